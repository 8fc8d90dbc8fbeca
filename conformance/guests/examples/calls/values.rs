//! What a program keeps under names.

use std::any::Any;
use std::rc::Rc;

/// Resources and texts by name, in the order in which they came.
#[derive(Default)]
pub struct Values(Vec<(String, Rc<dyn Any>)>);

impl Values {
    /// Keeps a value; what the name held before is dropped first.
    pub fn keep(&mut self, name: &str, value: Rc<dyn Any>) {
        self.0.retain(|(kept, _)| kept != name);
        self.0.push((name.to_owned(), value));
    }

    /// What `name` holds.
    pub fn get<T: Any>(&self, name: &str) -> Result<Rc<T>, String> {
        let found = self.0.iter().find(|(kept, _)| kept == name);
        let (_, value) = found.ok_or_else(|| format!("nothing is kept as `{name}`"))?;
        value.clone().downcast().map_err(|_| format!("`{name}` is of another kind"))
    }

    /// What `name` holds, which is kept no longer.
    pub fn take<T: Any>(&mut self, name: &str) -> Result<T, String> {
        let value = self.get::<T>(name)?;
        self.0.retain(|(kept, _)| kept != name);
        Rc::into_inner(value).ok_or_else(|| format!("`{name}` is in use"))
    }

    /// Drops what `name` holds.
    pub fn drop(&mut self, name: &str) -> Result<(), String> {
        let at = self.0.iter().position(|(kept, _)| kept == name);
        self.0.remove(at.ok_or_else(|| format!("nothing is kept as `{name}`"))?);
        Ok(())
    }

    /// Lets `name` go without dropping what it holds.
    pub fn leak(&mut self, name: &str) -> Result<(), String> {
        let at = self.0.iter().position(|(kept, _)| kept == name);
        let (_, value) = self.0.remove(at.ok_or_else(|| format!("nothing is kept as `{name}`"))?);
        std::mem::forget(value);
        Ok(())
    }
}

impl Drop for Values {
    /// The youngest first: a child was made after its parent.
    fn drop(&mut self) {
        while self.0.pop().is_some() {}
    }
}
