//! Values with types.

use mik_sdk::prelude::*;
use mik_sdk::response::Cookie;

#[derive(Path)]
pub struct UserPath {
    #[field(min = 1)]
    pub id: u32,
}

/// Somebody.
#[derive(Type)]
pub struct User {
    pub id: u32,
    pub name: String,
    pub email: Option<String>,
    pub tags: Vec<String>,
    pub role: Role,
}

/// Somebody who is not stored yet.
#[derive(Type)]
pub struct NewUser {
    #[field(min = 1, max = 20, pattern = "^[A-Z][a-z]*$")]
    name: String,
    #[field(format = "email")]
    email: Option<String>,
    #[field(max = 150)]
    age: u8,
    #[field(max = 3, default = Vec::new())]
    tags: Vec<String>,
    #[field(default = Role::Reader)]
    role: Role,
}

#[derive(Type, Clone, Copy)]
pub enum Role {
    #[field(rename = "reader")]
    Reader,
    #[field(rename = "writer")]
    Writer,
}

#[derive(Query)]
pub struct Search {
    #[field(min = 2)]
    q: String,
    #[field(min = 1, max = 100, default = 20)]
    limit: u32,
    tag: Vec<String>,
}

#[derive(Query)]
pub struct Login {
    #[field(min = 1)]
    name: String,
    #[field(min = 8)]
    password: String,
}

pub fn show_user(path: UserPath, _: &Request) -> Response {
    ok!(User {
        id: path.id,
        name: "Alice".into(),
        email: None,
        tags: Vec::new(),
        role: Role::Writer
    })
}

pub fn store_user(new: NewUser, _: &Request) -> Result<Response, Response> {
    guard!(new.name != "Nobody", 409, { "name": &new.name }, "nobody is called that");
    let user = stored(7, new);
    Ok(created!("/users/7", user))
}

pub fn replace_user(path: UserPath, query: Search, new: NewUser, _: &Request) -> Response {
    ok!({ "user": stored(path.id, new), "q": query.q, "limit": query.limit })
}

pub fn search(query: Search, request: &Request) -> Response {
    ok!({ "q": query.q, "limit": query.limit, "tags": query.tag, "method": request.method() })
}

pub fn login(form: Login, request: &Request) -> Response {
    guard!(form.password == "open sesame", 403, "that is not the password");
    let home = [request.prefix(), "/who"].concat();
    redirect!(303, home).cookie(&Cookie::new("user", &form.name))
}

fn stored(id: u32, new: NewUser) -> User {
    let mut tags = new.tags;
    tags.push(format!("{}", new.age));
    User { id, name: new.name, email: new.email, tags, role: new.role }
}
