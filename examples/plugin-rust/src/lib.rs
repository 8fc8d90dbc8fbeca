//! A plugin for mik: lets only requests with an API key pass.

use mik_plugin::{Action, Host, Level, Outcome, Plugin, Reply, RequestHead, ResponseHead};
use serde::Deserialize;

/// What `config` may hold.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    /// The key that opens.
    key: String,
    /// The header that carries it.
    #[serde(default = "header")]
    header: String,
    /// Routes that need no key.
    #[serde(default = "open")]
    open: Vec<String>,
}

fn header() -> String {
    "x-api-key".to_owned()
}

fn open() -> Vec<String> {
    vec!["/health".to_owned()]
}

struct ApiKey {
    config: Config,
    host: Host,
}

impl Plugin for ApiKey {
    type State = ();

    fn new(config: &str, host: &Host) -> Outcome<Self> {
        let config: Config = serde_json::from_str(config)?;
        if config.key.is_empty() {
            return Err("`key` is empty".into());
        }
        host.log(Level::Info, &format!("requests need a key in {}", config.header));
        Ok(Self { config, host: host.clone() })
    }

    fn on_request(&self, request: &mut RequestHead<'_>, _: &mut ()) -> Outcome<Action> {
        if self.config.open.iter().any(|route| route == request.route()) {
            return Ok(Action::Continue);
        }
        match request.headers().get(&self.config.header) {
            Some(key) if is_same(key, self.config.key.as_bytes()) => {
                // The handler has no use for it.
                request.headers_mut().remove(&self.config.header)?;
                Ok(Action::Continue)
            }
            _ => {
                self.host.count("refused", 1);
                let text = format!("send your key in the header {}\n", self.config.header);
                Ok(Reply::new(401)
                    .header("www-authenticate", "ApiKey")
                    .header("content-type", "text/plain")
                    .body(text)
                    .into())
            }
        }
    }

    fn on_response(&self, response: &mut ResponseHead<'_>, _: &mut ()) -> Outcome<Action> {
        response.headers_mut().set("x-guarded-by", "api-key")?;
        Ok(Action::Continue)
    }
}

/// Compares in a time that does not tell how much of a key was right.
fn is_same(given: &[u8], key: &[u8]) -> bool {
    let differs = given.iter().zip(key).fold(0, |all, (a, b)| all | (a ^ b));
    given.len() == key.len() && std::hint::black_box(differs) == 0
}

mik_plugin::export!(ApiKey, name = "api-key");
