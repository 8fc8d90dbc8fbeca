use crate::client::{all, join, Error, Request};
use crate::prelude::*;
use crate::{testing, Response};

#[derive(Type, Debug, PartialEq)]
struct City {
    name: String,
}

/// Answers with what was asked for.
fn echo(request: Request) -> Result<Response, Error> {
    let head = format!("{} {}", request.method_name(), request.url());
    let content_type = request.header_value("content-type").unwrap_or("none").to_owned();
    let accept = request.header_value("accept").unwrap_or("none").to_owned();
    let content = String::from_utf8(request.into_bytes().map_err(Error::Other)?).unwrap();
    Ok(Response::text(200, [head, content_type, accept, content].join("|")))
}

#[test]
fn a_request_is_what_the_macro_says() {
    testing::serve(echo);
    let (base, name, page) = ("https://example.org/a?z=1".to_owned(), "Zürich & Bern", 2);
    let mut response = fetch!(POST &base,
        headers: { "accept": "text/plain", },
        query: { "name": name, "page": page + 1 },
        json: { "name": name, "list": [1, page] },
        timeout: 1.5s,
    )
    .unwrap();
    assert_eq!(
        response.text().unwrap(),
        "POST https://example.org/a?z=1&name=Z%C3%BCrich+%26+Bern&page=3|application/json|text/plain|\
         {\"name\":\"Zürich & Bern\",\"list\":[1,2]}"
    );
    let mut response = call!("orders", PUT "/create", form: { "a": "b c", "d": 1 }).unwrap();
    assert_eq!(
        response.text().unwrap(),
        "PUT http://orders.mik.internal/create|application/x-www-form-urlencoded|none|a=b+c&d=1"
    );
    let module = String::from("stock");
    let mut response = call!(&module, GET format!("/{name}")).unwrap();
    assert_eq!(response.text().unwrap(), "GET http://stock.mik.internal/Zürich & Bern|none|none|");
    let mut response =
        fetch!(PATCH "https://example.org", body: "text", headers: { "content-type": "a/b" })
            .unwrap();
    assert_eq!(response.text().unwrap(), "PATCH https://example.org|a/b|none|text");
}

#[test]
fn a_query_goes_before_the_fragment() {
    let request = Request::get("http://h/a#b").query("c", 1).query("d", "#");
    assert_eq!(request.url(), "http://h/a?c=1&d=%23#b");
}

#[test]
fn several_are_sent_together() {
    testing::serve(echo);
    let (first, second) = join(
        request!(GET "http://a/"),
        Request::post("http://b/").stream([Ok::<_, String>(b"x".to_vec())]),
    );
    assert_eq!(first.unwrap().text().unwrap(), "GET http://a/|none|none|");
    assert_eq!(second.unwrap().text().unwrap(), "POST http://b/|none|none|x");
    let responses = all((0..3).map(|n| Request::get(format!("http://{n}/"))));
    let texts: Vec<_> =
        responses.into_iter().map(|response| response.unwrap().text().unwrap()).collect();
    assert_eq!(
        texts,
        ["GET http://0/|none|none|", "GET http://1/|none|none|", "GET http://2/|none|none|"]
    );
    assert!(all([]).is_empty());
}

#[test]
fn content_is_read_as_it_is_asked_for() {
    testing::serve(|_| Ok(Response::json(201, &City { name: "Bern".into() }).header("x-a", "b")));
    let get = || Request::get("http://h/").send().unwrap();
    assert_eq!(get().json::<City>().unwrap(), City { name: "Bern".into() });
    let response = get();
    assert_eq!((response.status(), response.is_success()), (201, true));
    assert_eq!(
        (response.header("X-A"), response.content_type()),
        (Some("b"), Some("application/json"))
    );
    assert_eq!(get().bytes_within(3), Err(Error::TooLarge));
    assert!(matches!(get().json::<Vec<u8>>(), Err(Error::Content(_))));
    let mut response = get();
    assert_eq!(response.chunk().unwrap().unwrap(), br#"{"name":"Bern"}"#);
    assert_eq!(response.chunk().unwrap(), None);
}

#[test]
fn failures_become_answers() {
    for (error, status) in
        [(Error::Timeout, 504), (Error::Denied, 502), (Error::Other("secret".into()), 502)]
    {
        let answer = Response::from(error);
        assert_eq!(answer.status, status);
        assert!(!testing::text(answer).contains("secret"));
    }
}

#[test]
fn a_response_is_handed_on() {
    testing::serve(|_| {
        let pieces =
            [Ok("a"), Err("broken")].map(|piece| piece.map(|piece| piece.as_bytes().to_vec()));
        Ok(Response::stream(203, "a/b", pieces).header("x-a", "b").header("connection", "close"))
    });
    let answer = Response::from(Request::get("http://h/").send().unwrap());
    assert_eq!(
        (answer.status, answer.header_value("content-type"), answer.header_value("x-a")),
        (203, Some("a/b"), Some("b"))
    );
    assert_eq!(answer.header_value("connection"), None);
    assert_eq!(testing::pieces(answer), Err("the content broke off".to_owned()));
}

#[test]
fn a_name_leads_nowhere_else() {
    testing::serve(echo);
    for module in
        ["", "evil.org/", "evil.org#", "evil.org?", "user@evil.org", "a:80", "a b", "é", "a/../b"]
    {
        let refused = Request::call(module, "GET", "/").send().unwrap_err();
        assert!(matches!(&refused, Error::Request(what) if what.contains(module)), "{module}");
    }
    for path in ["//evil.org/", "@evil.org", ":80/", "/../x", "?a"] {
        let mut response = Request::call("a-b_1.script", "GET", path).send().unwrap();
        assert!(
            response.text().unwrap().starts_with("GET http://a-b_1.script.mik.internal/"),
            "{path}"
        );
    }
    assert!(matches!(Request::get("example.org").send(), Err(Error::Request(_))));
}

#[test]
fn without_a_server_nothing_is_let_out() {
    std::thread::spawn(|| assert_eq!(fetch!(GET "http://h/").unwrap_err(), Error::Denied))
        .join()
        .unwrap();
}
