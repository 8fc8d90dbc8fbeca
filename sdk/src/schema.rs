//! Schemas of types, and the records of them in a component.
