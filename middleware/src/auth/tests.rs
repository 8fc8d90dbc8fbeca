//! What is asked for at the edge, and what guests see of it.

use mik_core::{Body, Call, Grants, Request, Response, SendOptions};

use crate::rig::{Rig, Served, get, text};

use super::*;

/// A variable that is there whenever cargo runs a test, and its value.
const VARIABLE: (&str, &str) = ("CARGO_PKG_NAME", "mik-middleware");

/// A `mik.toml` in a folder with two tokens in a file.
struct Project(tempfile::TempDir);

impl Project {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("tokens"), "first-token\nsecond-token\n").unwrap();
        std::fs::write(folder.path().join("keys"), "the-key\n").unwrap();
        Self(folder)
    }

    fn auth(&self, document: &str) -> Result<Arc<dyn Middleware>, String> {
        let mut registry = mik_core::Registry::new();
        crate::register(&mut registry);
        let settings = Settings::at(document, &["middleware", "auth"]).in_folder(self.0.path());
        registry.make_middleware("auth", &settings).map_err(|error| error.to_string())
    }

    /// A host whose modules say which credentials they see.
    fn serve(&self, document: &str) -> Served {
        let sees = |request: Request, _: Call| async move {
            let seen = ["authorization", "x-api-key", "x-token", "x-other"].map(|name| {
                let values = request.headers().get_all(name).iter();
                values.map(|value| value.to_str().unwrap()).collect::<Vec<_>>().join("|")
            });
            Ok(Response::new(Body::from(seen.join(","))))
        };
        let nested = |_: Request, call: Call| async move {
            let allowed_hosts = ["*.mik.internal".parse().unwrap()].into_iter().collect();
            let call = call.with_grants(Arc::new(Grants { allowed_hosts, ..Grants::default() }));
            call.send(get("http://shop.mik.internal/"), SendOptions::default()).await
        };
        let rig =
            Rig::default().module("shop", sees).module("other", sees).module("nested", nested);
        let auth = self.auth(document).unwrap();
        rig.build_with(|builder| builder.shared_middleware(auth))
    }
}

const TOKENS: &str = "[middleware.auth]\ntokens = [{ file = \"tokens\" }]\n";
const BOTH: &str =
    "[middleware.auth]\ntokens = [{ file = \"tokens\" }]\nkeys = [{ file = \"keys\" }]\n";

fn with(target: &str, fields: &[(&'static str, &str)]) -> Request {
    let mut request = get(target);
    for (name, value) in fields {
        request.headers_mut().append(*name, value.parse().unwrap());
    }
    request
}

fn challenges(response: &Response) -> Vec<&str> {
    let values = response.headers().get_all("www-authenticate").iter();
    values.map(|value| value.to_str().unwrap()).collect()
}

#[tokio::test]
async fn a_token_lets_in_and_nothing_else_does() {
    let project = Project::new();
    let served = project.serve(TOKENS);
    for (fields, status) in [
        (&[("authorization", "Bearer first-token")][..], 200),
        (&[("authorization", "Bearer second-token")], 200),
        (&[("authorization", "bearer first-token")], 200),
        (&[("authorization", "BEARER   first-token")], 200),
        (&[], 401),
        (&[("authorization", "Bearer")], 401),
        (&[("authorization", "Bearer ")], 401),
        (&[("authorization", "Bearer first-toke")], 401),
        (&[("authorization", "Bearer first-token2")], 401),
        (&[("authorization", "Bearer First-token")], 401),
        (&[("authorization", "Bearer first-token second-token")], 401),
        (&[("authorization", "Bearer first-token, Bearer x")], 401),
        (&[("authorization", "first-token")], 401),
        (&[("authorization", "Basic first-token")], 401),
        (&[("authorization", "Bearer\tfirst-token")], 401),
        (&[("authorization", "Bearer first-token"), ("authorization", "Bearer first-token")], 401),
        (&[("authorization", "Bearer first-token"), ("authorization", "Basic x")], 401),
        // Not asked for here.
        (&[("x-api-key", "first-token")], 401),
    ] {
        let response = served.send(with("/run/shop/", fields)).await;
        assert_eq!(response.status(), status, "{fields:?}");
    }
    let long = format!("Bearer {}", "x".repeat(50_000));
    assert_eq!(served.send(with("/run/shop/", &[("authorization", &long)])).await.status(), 401);
}

#[tokio::test]
async fn the_answer_says_what_is_asked_for() {
    let project = Project::new();
    let served = project.serve(TOKENS);
    let response = served.get("/run/shop/").await;
    assert_eq!(challenges(&response), ["Bearer realm=\"mik\""]);
    assert_eq!(response.headers()["mik-error"], "unauthorized");
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    assert_eq!(response.headers()["cache-control"], "no-store");
    let wrong = with("/run/shop/", &[("authorization", "Bearer n0-such")]);
    let response = served.send(wrong).await;
    assert_eq!(challenges(&response), ["Bearer realm=\"mik\", error=\"invalid_token\""]);
    let body = text(response).await;
    assert!(!body.contains("n0-such") && !body.contains("token"), "{body}");
    // What is wrong with a key is nothing that RFC 6750 has a word for.
    let wrong = with("/run/shop/", &[("x-api-key", "n0-such")]);
    let keys = ["Bearer realm=\"mik\"", "ApiKey realm=\"mik\", header=\"x-api-key\""];
    assert_eq!(challenges(&project.serve(BOTH).send(wrong).await), keys);
    let both = project.serve(&format!("{BOTH}realm = \"the shop\"\nheader = \"X-Token\"\n"));
    assert_eq!(
        challenges(&both.get("/run/shop/").await),
        ["Bearer realm=\"the shop\"", "ApiKey realm=\"the shop\", header=\"x-token\""]
    );
}

#[tokio::test]
async fn a_key_lets_in_by_its_header() {
    let project = Project::new();
    let keys = "[middleware.auth]\nkeys = [{ file = \"keys\" }]\n";
    for (document, header) in
        [(keys.to_owned(), "x-api-key"), (format!("{keys}header = \"x-token\"\n"), "x-token")]
    {
        let served = project.serve(&document);
        for (fields, status) in [
            (&[(header, "the-key")][..], 200),
            // It is not ours, so it may come twice.
            (
                &[(header, "the-key"), ("authorization", "Basic a"), ("authorization", "Basic b")],
                200,
            ),
            (&[(header, "the-ke")], 401),
            (&[(header, "")], 401),
            (&[(header, "the-key"), (header, "the-key")], 401),
            (&[("authorization", "Bearer the-key")], 401),
            (&[("x-other", "the-key")], 401),
        ] {
            let response = served.send(with("/run/shop/", fields)).await;
            assert_eq!(response.status(), status, "{header} {fields:?}");
        }
    }
}

#[tokio::test]
async fn either_is_enough_where_both_are_taken() {
    let project = Project::new();
    let served = project.serve(BOTH);
    for (fields, status) in [
        (&[("authorization", "Bearer first-token")][..], 200),
        (&[("x-api-key", "the-key")], 200),
        (&[("x-api-key", "the-key"), ("authorization", "Basic dTpw")], 200),
        (&[("x-api-key", "wrong"), ("authorization", "Bearer first-token")], 200),
        (&[("x-api-key", "first-token")], 401),
        (&[("authorization", "Bearer the-key")], 401),
        (
            &[("x-api-key", "the-key"), ("authorization", "Basic a"), ("authorization", "Basic b")],
            401,
        ),
    ] {
        let response = served.send(with("/run/shop/", fields)).await;
        assert_eq!(response.status(), status, "{fields:?}");
    }
}

#[tokio::test]
async fn guests_see_no_credential_unless_it_is_forwarded() {
    let project = Project::new();
    let fields =
        [("authorization", "Bearer first-token"), ("x-api-key", "the-key"), ("x-other", "1")];
    let open = "open = [\"/run/shop/open\"]\n";
    for (document, target, seen) in [
        (BOTH.to_owned(), "/run/shop/", ",,,1"),
        (TOKENS.to_owned(), "/run/shop/", ",the-key,,1"),
        (format!("{BOTH}{open}"), "/run/shop/open", ",,,1"),
        (format!("{BOTH}forward = true\n"), "/run/shop/", "Bearer first-token,the-key,,1"),
    ] {
        let response = project.serve(&document).send(with(target, &fields)).await;
        assert_eq!(text(response).await, seen, "{document}");
    }
    // A credential of another kind is the guest's own affair.
    let basic = [("authorization", "Basic dTpw"), ("x-api-key", "the-key")];
    let response = project.serve(BOTH).send(with("/run/shop/", &basic)).await;
    assert_eq!(text(response).await, "Basic dTpw,,,");
}

#[tokio::test]
async fn health_is_open_and_all_else_is_not() {
    let project = Project::new();
    let served = project.serve(TOKENS);
    for (target, status) in
        [("/health", 200), ("/run/shop/", 401), ("/run/nothing/", 401), ("/none", 401)]
    {
        assert_eq!(served.get(target).await.status(), status, "{target}");
    }
    let served =
        project.serve(&format!("{TOKENS}open = [\"/run/shop/public/*\", \"/run/shop/login\"]\n"));
    for (target, status) in [
        ("/health", 401),
        ("/run/shop/login", 200),
        ("/run/shop/login?next=/", 200),
        ("/run/shop/login/x", 401),
        ("/run/shop/public/a.css", 200),
        ("/run/shop/public/../admin", 401),
        ("/run/shop/public/%2e%2e/admin", 401),
        ("/run/other/public/a.css", 401),
    ] {
        assert_eq!(served.get(target).await.status(), status, "{target}");
    }
}

#[tokio::test]
async fn a_module_may_have_a_guard_of_its_own_or_none() {
    let project = Project::new();
    let served = project.serve("[modules.shop.auth]\nkeys = [{ file = \"keys\" }]\n");
    for (target, status) in
        [("/run/shop/", 401), ("/run/other/", 200), ("/health", 200), ("/none", 404)]
    {
        assert_eq!(served.get(target).await.status(), status, "{target}");
    }
    assert_eq!(served.send(with("/run/shop/", &[("x-api-key", "the-key")])).await.status(), 200);
    // What is not guarded keeps what it is sent.
    let response = served.send(with("/run/other/", &[("x-api-key", "the-key")])).await;
    assert_eq!(text(response).await, ",the-key,,");
    let document = format!("{TOKENS}[modules.other.auth]\nenabled = false\n");
    let served = project.serve(&document);
    for (target, status) in [("/run/shop/", 401), ("/run/other/", 200)] {
        assert_eq!(served.get(target).await.status(), status, "{target}");
    }
}

#[tokio::test]
async fn calls_from_module_to_module_need_no_credential() {
    let project = Project::new();
    let served = project.serve("[modules.shop.auth]\ntokens = [{ file = \"tokens\" }]\n");
    assert_eq!(served.get("/run/shop/").await.status(), 401);
    assert_eq!(served.get("/run/nested/").await.status(), 200);
}

#[tokio::test]
async fn secrets_come_from_the_environment_too() {
    let (name, value) = VARIABLE;
    let project = Project::new();
    let served = project.serve(&format!("[middleware.auth]\ntokens = [{{ env = {name:?} }}]\n"));
    let bearer = format!("Bearer {value}");
    assert_eq!(served.send(with("/run/shop/", &[("authorization", &bearer)])).await.status(), 200);
    assert_eq!(
        served.send(with("/run/shop/", &[("authorization", "Bearer x")])).await.status(),
        401
    );
}

#[tokio::test]
async fn it_is_made_in_rust_as_well() {
    let auth = Auth::bearer(["one", "two"]).unwrap();
    assert!(!format!("{auth:?}").contains("one"), "{auth:?}");
    let served = Rig::default().says("shop", "hello").with(auth).build();
    assert_eq!(served.get("/run/shop/").await.status(), 401);
    assert_eq!(
        served.send(with("/run/shop/", &[("authorization", "Bearer two")])).await.status(),
        200
    );
    let auth = Auth::api_key("X-Token", ["one"]).unwrap();
    let served = Rig::default().says("shop", "hello").with(auth).build();
    assert_eq!(served.send(with("/run/shop/", &[("x-token", "one")])).await.status(), 200);
    assert!(Auth::bearer::<&str>([]).is_err());
    assert!(Auth::bearer([""]).is_err());
    assert!(Auth::api_key("authorization", ["one"]).is_err());
}

/// In the call ring, where a Rust program may put it, its errors are typed.
#[tokio::test]
async fn in_another_ring_its_error_is_typed() {
    let auth = Arc::new(Auth::bearer(["one"]).unwrap());
    let rig = Rig::default().says("shop", "hello");
    let served = rig.build_with(|builder| builder.middleware_in(Ring::Call, auth));
    let response = served.get("/run/shop/").await;
    assert_eq!(response.status(), 401);
    assert!(challenges(&response).is_empty());
    assert_eq!(served.get("/health").await.status(), 200);
}

#[test]
fn a_wrong_table_is_refused_without_what_is_secret() {
    let inline = "no secret may stand in mik.toml itself";
    for (table, message) in [
        ("", "without credentials nobody could come in"),
        ("tokens = []", "without credentials nobody could come in"),
        ("tokens = \"s3cret\"", inline),
        ("tokens = [\"s3cret\"]", inline),
        ("keys = [{ key = \"s3cret\" }]", "`keys = [{ env = \"NAME\" }]`"),
        ("token = \"s3cret\"", "unknown key `token`: the keys are `tokens`, `keys`"),
        (
            "tokens = [{ env = \"NO_SUCH_VARIABLE\" }]",
            "the environment variable NO_SUCH_VARIABLE is not set",
        ),
        ("tokens = [{ file = \"nowhere\" }]", "the file nowhere cannot be read"),
        ("header = \"authorization\"", "write them as `tokens`"),
        ("header = \"a b\"", "the name of a header"),
        ("realm = \"a\\\"b\"", "no quotes or backslashes"),
        ("open = [\"/a*\"]", "neither an endpoint nor a path"),
        ("forward = 1", "expected a boolean"),
    ] {
        let project = Project::new();
        let error = project.auth(&format!("[middleware.auth]\n{table}\n")).err();
        let error = error.unwrap_or_else(|| panic!("{table} is taken"));
        assert!(error.contains(message), "{table}: {error}");
        assert!(!error.contains("s3cret"), "{table}: {error}");
    }
}

/// An error that has a place is shown with the line it stands on.
#[test]
fn an_error_that_may_be_about_a_secret_has_no_place() {
    for table in [
        "tokens = \"s3cret\"",
        "tokens = [{ x = \"s3cret\" }]",
        "token = \"s3cret\"",
        "a.b = \"s3cret\"",
    ] {
        let document = format!("[middleware.auth]\n{table}\n");
        let settings = Settings::at(document, &["middleware", "auth"]);
        let error = Auth::from_settings(&settings).err().unwrap();
        assert_eq!(error.span(), None, "{table}");
    }
    // An unknown key is not found along the schema either, which would show its line.
    assert_ne!(Auth::schema()["additionalProperties"], false);
}
