//! The server over real sockets, with an engine that answers by path.

mod bodies;
mod ends;
mod handler;
mod heads;
mod times;
mod wire;
