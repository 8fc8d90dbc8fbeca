//! Values from text: of a path, a query, a form.
