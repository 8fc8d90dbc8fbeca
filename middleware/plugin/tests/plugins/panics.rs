//! A plugin that keeps nothing and panics where the query says: `?request`, `?response`, `?odd`. With
//! `start` or `stop` in its configuration it does so there.

use mik_plugin::{Action, Host, Outcome, Plugin, RequestHead, ResponseHead};

struct Panics {
    stops_badly: bool,
}

/// The drop of what is thrown panics as well.
struct Odd;

impl Drop for Odd {
    fn drop(&mut self) {
        panic!("and once more");
    }
}

impl Plugin for Panics {
    type State = ();

    fn new(config: &str, _: &Host) -> Outcome<Self> {
        assert!(!config.contains("start"), "at the start");
        Ok(Self { stops_badly: config.contains("stop") })
    }

    fn on_request(&self, request: &mut RequestHead<'_>, _: &mut ()) -> Outcome<Action> {
        assert_ne!(request.query(), Some("request"), "in a request");
        if request.query() == Some("odd") {
            std::panic::panic_any(Odd);
        }
        Ok(Action::Continue)
    }

    fn on_response(&self, response: &mut ResponseHead<'_>, _: &mut ()) -> Outcome<Action> {
        assert_ne!(response.query(), Some("response"), "in a response");
        Ok(Action::Continue)
    }
}

impl Drop for Panics {
    fn drop(&mut self) {
        assert!(!self.stops_badly, "at the end");
    }
}

mik_plugin::export!(Panics, name = "panics");
