//! Functions of wasi:http that wasmtime has, but not as the WIT says. They are linked once more, around its own.

use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource};
use wasmtime_wasi::WasiView;
use wasmtime_wasi::p2::IoError;
use wasmtime_wasi_http::p2::bindings::http::outgoing_handler::Host as _;
use wasmtime_wasi_http::p2::bindings::http::types::{
    ErrorCode, HostOutgoingRequest as _, OutgoingRequest, RequestOptions, Scheme,
};
use wasmtime_wasi_http::{Error, WasiHttpView};

use crate::errors::code_of;
use crate::guest::Guest;

/// The interfaces, with the version that wasmtime links them under.
const TYPES: &str = "wasi:http/types@0.2.12";
const OUTGOING_HANDLER: &str = "wasi:http/outgoing-handler@0.2.12";

type Store<'a> = StoreContextMut<'a, Guest>;

pub(crate) fn link_again(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let mut types = linker.instance(TYPES)?;
    types.func_wrap("http-error-code", http_error_code)?;
    types.func_wrap("[method]outgoing-request.set-path-with-query", set_path_with_query)?;
    types.func_wrap("[method]outgoing-request.set-scheme", set_scheme)?;
    linker.instance(OUTGOING_HANDLER)?.func_wrap("handle", handle)?;
    linker.allow_shadowing(false);
    Ok(())
}

/// wasmtime knows the errors of streams that go out; what a stream that comes in fails with is of another type.
fn http_error_code(
    mut store: Store<'_>,
    (error,): (Resource<IoError>,),
) -> wasmtime::Result<(Option<ErrorCode>,)> {
    let error = store.data_mut().ctx().table.get(&error)?;
    let code = error.downcast_ref::<ErrorCode>().cloned();
    Ok((code.or_else(|| error.downcast_ref::<Error>().map(code_of)),))
}

/// wasmtime takes a fragment, and sends what stands before it.
fn set_path_with_query(
    mut store: Store<'_>,
    (request, path): (Resource<OutgoingRequest>, Option<String>),
) -> wasmtime::Result<(Result<(), ()>,)> {
    if path.as_ref().is_some_and(|path| path.contains('#')) {
        return Ok((Err(()),));
    }
    Ok((store.data_mut().http().set_path_with_query(request, path)?,))
}

/// wasmtime takes what is no scheme (RFC 3986, 3.1), such as the empty one.
fn set_scheme(
    mut store: Store<'_>,
    (request, scheme): (Resource<OutgoingRequest>, Option<Scheme>),
) -> wasmtime::Result<(Result<(), ()>,)> {
    if let Some(Scheme::Other(name)) = &scheme
        && !name.starts_with(|first: char| first.is_ascii_alphabetic())
    {
        return Ok((Err(()),));
    }
    Ok((store.data_mut().http().set_scheme(request, scheme)?,))
}

type Sent = Result<Resource<wasmtime_wasi_http::p2::types::HostFutureIncomingResponse>, ErrorCode>;

/// wasmtime refuses a request without a path, which is one with an empty path; and it keeps the options, of which
/// the guest has given up ownership, as long as the instance lives.
fn handle(
    mut store: Store<'_>,
    (request, options): (Resource<OutgoingRequest>, Option<Resource<RequestOptions>>),
) -> wasmtime::Result<(Sent,)> {
    let mut http = store.data_mut().http();
    let path = &mut http.table.get_mut(&request)?.path_with_query;
    path.get_or_insert_with(|| "/".to_owned());
    let given = options.as_ref().map(|options| Resource::<RequestOptions>::new_own(options.rep()));
    let sent = http.handle(request, options);
    if let Some(given) = given {
        http.table.delete(given)?;
    }
    match sent {
        Ok(future) => Ok((Ok(future),)),
        Err(error) => Ok((Err(error.downcast()?),)),
    }
}
