//! Where a request comes from: from the host, or from a test.

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use native::Raw;
#[cfg(target_arch = "wasm32")]
pub(crate) use wasi::Raw;

#[cfg(target_arch = "wasm32")]
mod wasi {
    use crate::bindings::wasi::http::types::{IncomingRequest, Method, Scheme};
    use crate::body::{BodyStream, Source};
    use crate::headers::Headers;

    #[derive(Debug)]
    pub(crate) struct Raw(pub(crate) IncomingRequest);

    impl Raw {
        pub(crate) fn method(&self) -> Method {
            self.0.method()
        }

        pub(crate) fn target(&self) -> String {
            self.0.path_with_query().unwrap_or_default()
        }

        pub(crate) fn headers(&self) -> Headers {
            Headers::new(self.0.headers().entries())
        }

        pub(crate) fn authority(&self) -> Option<String> {
            self.0.authority()
        }

        pub(crate) fn scheme(&self) -> Option<Scheme> {
            self.0.scheme()
        }

        /// `None`: it was taken before.
        pub(crate) fn content(&self) -> Option<BodyStream> {
            let body = self.0.consume().ok()?;
            Source::new(body).map(BodyStream::new)
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod native {
    use std::cell::RefCell;

    use crate::bindings::wasi::http::types::{Method, Scheme};
    use crate::body::{BodyStream, Source, TestChunks};
    use crate::headers::Headers;

    /// A request of a test's making.
    #[derive(Debug)]
    pub(crate) struct Raw {
        pub(crate) method: Method,
        pub(crate) target: String,
        pub(crate) headers: Headers,
        pub(crate) content: RefCell<Option<TestChunks>>,
    }

    impl Raw {
        pub(crate) fn method(&self) -> Method {
            self.method.clone()
        }

        pub(crate) fn target(&self) -> String {
            self.target.clone()
        }

        pub(crate) fn headers(&self) -> Headers {
            self.headers.clone()
        }

        pub(crate) fn authority(&self) -> Option<String> {
            self.headers.get("host").map(str::to_owned)
        }

        #[allow(clippy::unused_self, reason = "the same as in a host")]
        pub(crate) fn scheme(&self) -> Option<Scheme> {
            Some(Scheme::Http)
        }

        /// `None`: it was taken before.
        pub(crate) fn content(&self) -> Option<BodyStream> {
            self.content.take().map(|chunks| BodyStream::new(Source(chunks)))
        }
    }
}
