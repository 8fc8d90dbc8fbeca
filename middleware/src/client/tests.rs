use http::HeaderValue;
use proptest::prelude::*;

use super::*;

fn proxies(networks: &[&str], header: ForwardedHeader) -> TrustedProxies {
    let networks = networks.iter().map(|network| network.parse().unwrap());
    TrustedProxies::new(networks.collect(), header)
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn lines(name: &HeaderName, lines: &[&str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(name, HeaderValue::from_str(line).unwrap());
    }
    headers
}

#[test]
fn a_network_is_an_address_and_a_prefix() {
    for (text, inside, outside) in [
        ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
        ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
        ("192.0.2.128/25", "192.0.2.129", "192.0.2.127"),
        ("0.0.0.0/0", "203.0.113.9", "::1"),
        ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"),
        ("::1", "::1", "::2"),
        ("::/0", "2001:db8::1", "192.0.2.1"),
        ("::ffff:10.0.0.0/104", "10.1.2.3", "11.0.0.1"),
        ("::ffff:192.0.2.1", "192.0.2.1", "192.0.2.2"),
    ] {
        let network: Network = text.parse().unwrap();
        assert!(network.contains(ip(inside)), "{text} has {inside}");
        assert!(!network.contains(ip(outside)), "{text} has not {outside}");
        assert_eq!(network.to_string().parse::<Network>().unwrap(), network);
    }
}

#[test]
fn what_is_no_network_is_refused() {
    for bad in [
        "",
        "10.0.0",
        "10.0.0.0/33",
        "10.0.0.0/",
        "10.0.0.0/+8",
        "::1/129",
        "example.com",
        "10.0.0.0/8 ",
    ] {
        let message = bad.parse::<Network>().unwrap_err();
        assert!(message.contains("expected an address or a network"), "{bad:?}: {message}");
    }
    let message = "10.0.0.1/8".parse::<Network>().unwrap_err();
    assert_eq!(message, "\"10.0.0.1/8\" is an address within a network: write \"10.0.0.0/8\"");
    assert!("2001:db8::1/32".parse::<Network>().unwrap_err().contains("\"2001:db8::/32\""));
}

#[test]
fn forwarded_for_is_read_from_the_right_past_trusted_proxies() {
    let proxies = proxies(&["10.0.0.0/8", "2001:db8:1::/48"], ForwardedHeader::XForwardedFor);
    for (peer, fields, client) in [
        ("10.0.0.1", &["203.0.113.9"][..], "203.0.113.9"),
        ("10.0.0.1", &["203.0.113.9, 10.0.0.2"], "203.0.113.9"),
        // What the client wrote itself stands further left.
        ("10.0.0.1", &["1.1.1.1, 203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", &["10.9.9.9, 203.0.113.9, 10.0.0.2"], "203.0.113.9"),
        // Lines are one list.
        ("10.0.0.1", &["1.1.1.1", "203.0.113.9", "10.0.0.2"], "203.0.113.9"),
        ("10.0.0.1", &["203.0.113.9,,10.0.0.2 , "], "203.0.113.9"),
        ("10.0.0.1", &["203.0.113.9:4711"], "203.0.113.9"),
        ("10.0.0.1", &["[2001:db8::9]:4711"], "2001:db8::9"),
        ("10.0.0.1", &["[2001:db8::9]"], "2001:db8::9"),
        ("10.0.0.1", &["2001:db8::9"], "2001:db8::9"),
        ("10.0.0.1", &["::ffff:203.0.113.9"], "203.0.113.9"),
        ("::ffff:10.0.0.1", &["203.0.113.9"], "203.0.113.9"),
        ("2001:db8:1::5", &["203.0.113.9"], "203.0.113.9"),
        // All of them trusted: the furthest.
        ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        // What is no address ends the way.
        ("10.0.0.1", &["203.0.113.9, unknown, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", &["203.0.113.9, 10.0.0"], "10.0.0.1"),
        ("10.0.0.1", &["203.0.113.9, fe80::1%eth0"], "10.0.0.1"),
        ("10.0.0.1", &[], "10.0.0.1"),
        ("10.0.0.1", &[""], "10.0.0.1"),
        // Anybody else is who they are.
        ("203.0.113.7", &["1.1.1.1"], "203.0.113.7"),
        ("::ffff:203.0.113.7", &["1.1.1.1"], "203.0.113.7"),
    ] {
        let headers = lines(&X_FORWARDED_FOR, fields);
        assert_eq!(proxies.client(ip(peer), &headers), ip(client), "{peer} {fields:?}");
    }
}

#[test]
fn forwarded_is_read_by_its_grammar() {
    let proxies = proxies(&["10.0.0.0/8"], ForwardedHeader::Forwarded);
    for (fields, client) in [
        (&["for=203.0.113.9"][..], "203.0.113.9"),
        (&["For=203.0.113.9;proto=https;by=10.0.0.1"], "203.0.113.9"),
        (&["proto=https; for=\"203.0.113.9:80\""], "203.0.113.9"),
        (&["for=\"[2001:db8::9]:4711\""], "2001:db8::9"),
        (&["for=1.1.1.1, for=203.0.113.9, for=10.0.0.2"], "203.0.113.9"),
        (&["for=1.1.1.1", "for=203.0.113.9;by=\"a,b;c\"", "for=10.0.0.2"], "203.0.113.9"),
        (&["for=203.0.113.9, , for=10.0.0.2,"], "203.0.113.9"),
        (&["for=_hidden, for=10.0.0.2"], "10.0.0.2"),
        (&["for=203.0.113.9, proto=https"], "10.0.0.1"),
        (&["for=203.0.113.9;x"], "203.0.113.9"),
        // A client that leaves a quote open does not hide what the proxy adds.
        (&["for=6.6.6.6;y=\", for=203.0.113.9"], "10.0.0.1"),
        (&["for=6.6.6.6;y=\", for=\"[2001:db8::9]:1\""], "10.0.0.1"),
        (&["for=6.6.6.6;y=\"\\\", for=203.0.113.9;z=\""], "10.0.0.1"),
        (&["for=6.6.6.6;y=\"", "for=203.0.113.9"], "203.0.113.9"),
        (&["for"], "10.0.0.1"),
        (&["for="], "10.0.0.1"),
        (&["=;;==\"\";,"], "10.0.0.1"),
    ] {
        let headers = lines(&FORWARDED, fields);
        assert_eq!(proxies.client(ip("10.0.0.1"), &headers), ip(client), "{fields:?}");
    }
}

#[test]
fn the_other_field_is_not_read() {
    let forged = lines(&FORWARDED, &["for=6.6.6.6"]);
    let by_list = proxies(&["10.0.0.0/8"], ForwardedHeader::XForwardedFor);
    assert_eq!(by_list.client(ip("10.0.0.1"), &forged), ip("10.0.0.1"));
    let forged = lines(&X_FORWARDED_FOR, &["6.6.6.6"]);
    let by_rfc = proxies(&["10.0.0.0/8"], ForwardedHeader::Forwarded);
    assert_eq!(by_rfc.client(ip("10.0.0.1"), &forged), ip("10.0.0.1"));
}

#[test]
fn a_household_is_an_ipv4_address_or_an_ipv6_network() {
    assert_eq!(household(ip("203.0.113.9"), 64), ip("203.0.113.9"));
    assert_eq!(household(ip("::ffff:203.0.113.9"), 64), ip("203.0.113.9"));
    assert_eq!(household(ip("2001:db8:1:2:3:4:5:6"), 64), ip("2001:db8:1:2::"));
    assert_eq!(household(ip("2001:db8:1:2:3:4:5:6"), 48), ip("2001:db8:1::"));
    assert_eq!(household(ip("2001:db8::1"), 128), ip("2001:db8::1"));
}

proptest! {
    /// Whatever a field holds, it is no panic, and a peer that is not trusted stays itself.
    #[test]
    fn nothing_that_a_client_writes_makes_it_another(
        text in "[ -~]{0,80}",
        hops in proptest::collection::vec("(10\\.0\\.0\\.[1-9]|203\\.0\\.113\\.[1-9]|[;,=\" for]{0,6})", 0..6),
    ) {
        for header in [ForwardedHeader::XForwardedFor, ForwardedHeader::Forwarded] {
            let proxies = proxies(&["10.0.0.0/8"], header);
            let name = if header == ForwardedHeader::Forwarded { FORWARDED } else { X_FORWARDED_FOR };
            let headers = lines(&name, &[&text, &hops.join(",")]);
            prop_assert_eq!(proxies.client(ip("203.0.113.7"), &headers), ip("203.0.113.7"));
            // What a trusted proxy adds in a line of its own always counts.
            let added = if header == ForwardedHeader::Forwarded { "for=203.0.113.8" } else { "203.0.113.8" };
            let headers = lines(&name, &[&text, &hops.join(","), added]);
            prop_assert_eq!(proxies.client(ip("10.0.0.1"), &headers), ip("203.0.113.8"));
            // In the same line it counts too, or nothing of that line does.
            let headers = lines(&name, &[&format!("{text},{added}")]);
            let client = proxies.client(ip("10.0.0.1"), &headers);
            prop_assert!(client == ip("203.0.113.8") || client == ip("10.0.0.1"), "{client}");
        }
    }
}
