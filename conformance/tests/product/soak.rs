//! A short bath in mixed traffic, so that the long one cannot rot.

use std::time::Duration;

use mik_conformance::soak::{Soak, soak};

#[test]
fn ten_seconds_of_mixed_traffic() {
    let report = soak(&Soak { time: Duration::from_secs(10), clients: 4, ..Soak::default() });
    println!("{report}");
    assert!(report.passed(), "{report}");
    // One that does little says little.
    assert!(report.requests > 100, "{report}");
    assert!(report.deeds.len() > 20, "{report}");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["requests"], report.requests);
    assert_eq!(json["deeds"]["hello"]["wrong"], 0);
}
