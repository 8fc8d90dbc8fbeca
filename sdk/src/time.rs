//! The time of day, time that only goes forward, and waiting.

use std::time::Duration;

/// A moment of the wall clock, to the nanosecond, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    seconds: u64,
    nanoseconds: u32,
}

const DAY: u64 = 24 * 60 * 60;

impl Timestamp {
    /// The moment that many seconds after 1970-01-01T00:00:00Z.
    pub const fn from_unix_seconds(seconds: u64) -> Self {
        Self { seconds, nanoseconds: 0 }
    }

    /// The moment that many milliseconds after 1970-01-01T00:00:00Z.
    pub const fn from_unix_millis(millis: u64) -> Self {
        Self { seconds: millis / 1000, nanoseconds: (millis % 1000) as u32 * 1_000_000 }
    }

    /// The seconds since 1970-01-01T00:00:00Z.
    pub const fn unix_seconds(self) -> u64 {
        self.seconds
    }

    /// The milliseconds since 1970-01-01T00:00:00Z.
    pub const fn unix_millis(self) -> u64 {
        self.seconds.saturating_mul(1000).saturating_add(self.nanoseconds as u64 / 1_000_000)
    }

    /// The time that lies between an earlier moment and this one; nothing if it is the later one.
    pub fn since(self, earlier: Self) -> Duration {
        self.duration().saturating_sub(earlier.duration())
    }

    /// As text, to the millisecond: `2026-11-26T02:19:00.123Z` (RFC 3339).
    pub fn to_rfc3339(self) -> String {
        let date = Date::of(self.seconds / DAY);
        let mut text = String::with_capacity(24);
        digits(&mut text, date.year, 4);
        text.push('-');
        digits(&mut text, date.month, 2);
        text.push('-');
        digits(&mut text, date.day, 2);
        text.push('T');
        self.push_time(&mut text);
        text.push('.');
        digits(&mut text, u64::from(self.nanoseconds / 1_000_000), 3);
        text.push('Z');
        text
    }

    /// As header fields have it: `Thu, 26 Nov 2026 02:19:00 GMT` (RFC 9110, section 5.6.7).
    pub fn to_http_date(self) -> String {
        const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
        const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";

        let days = self.seconds / DAY;
        let date = Date::of(days);
        let month = usize::try_from(date.month - 1).unwrap_or_default() * 3;
        let mut text = String::with_capacity(29);
        text.push_str(WEEKDAYS[usize::try_from(days % 7).unwrap_or_default()]);
        text.push_str(", ");
        digits(&mut text, date.day, 2);
        text.push(' ');
        text.push_str(MONTHS.get(month..month + 3).unwrap_or_default());
        text.push(' ');
        digits(&mut text, date.year, 4);
        text.push(' ');
        self.push_time(&mut text);
        text.push_str(" GMT");
        text
    }

    fn duration(self) -> Duration {
        Duration::new(self.seconds, self.nanoseconds)
    }

    fn push_time(self, text: &mut String) {
        let second = self.seconds % DAY;
        digits(text, second / 3600, 2);
        text.push(':');
        digits(text, second / 60 % 60, 2);
        text.push(':');
        digits(text, second % 60, 2);
    }
}

/// A day of the calendar.
struct Date {
    year: u64,
    month: u64,
    day: u64,
}

impl Date {
    /// The date of a day since 1970-01-01. Years begin in March here, so that the leap day is a year's last.
    fn of(days: u64) -> Self {
        const ERA: u64 = 146_097; // the days of 400 years

        let days = days.saturating_add(719_468); // since 0000-03-01
        let (era, day_of_era) = (days / ERA, days % ERA);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / (ERA - 1)) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        Self {
            year: era * 400 + year_of_era + u64::from(month <= 2),
            month,
            day: day_of_year - (153 * month_from_march + 2) / 5 + 1,
        }
    }
}

/// A number with leading noughts, without `core::fmt`.
fn digits(text: &mut String, number: u64, width: u32) {
    let mut unit = 10_u64.pow(width - 1);
    while number / unit >= 10 {
        unit *= 10;
    }
    while unit > 0 {
        // One digit is below ten.
        text.push(char::from(b'0' + (number / unit % 10) as u8));
        unit /= 10;
    }
}

/// The time of day.
#[cfg(target_arch = "wasm32")]
pub fn now() -> Timestamp {
    let now = crate::bindings::wasi::clocks::wall_clock::now();
    Timestamp { seconds: now.seconds, nanoseconds: now.nanoseconds }
}

/// The milliseconds since 1970-01-01T00:00:00Z.
pub fn unix_millis() -> u64 {
    now().unix_millis()
}

/// The time since some moment that stays the same while the handler lives: for measuring how long something takes.
#[cfg(target_arch = "wasm32")]
pub fn monotonic() -> Duration {
    Duration::from_nanos(crate::bindings::wasi::clocks::monotonic_clock::now())
}

/// Waits.
#[cfg(target_arch = "wasm32")]
pub fn sleep(duration: Duration) {
    crate::bindings::wasi::clocks::monotonic_clock::subscribe_duration(nanoseconds(duration))
        .block();
}

/// What the interfaces measure time in; 584 years at most.
#[cfg(target_arch = "wasm32")]
pub(crate) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// The time of day.
#[cfg(not(target_arch = "wasm32"))]
pub fn now() -> Timestamp {
    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp { seconds: now.as_secs(), nanoseconds: now.subsec_nanos() }
}

/// The time since some moment that stays the same while the handler lives: for measuring how long something takes.
#[cfg(not(target_arch = "wasm32"))]
pub fn monotonic() -> Duration {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    START.get_or_init(std::time::Instant::now).elapsed()
}

/// Waits.
#[cfg(not(target_arch = "wasm32"))]
pub fn sleep(duration: Duration) {
    std::thread::sleep(duration);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_as_rfc_3339_says() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_799_999, "2000-02-29T23:59:59.999Z"),
            (951_868_800_000, "2000-03-01T00:00:00.000Z"),
            (1_795_659_540_123, "2026-11-26T02:19:00.123Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (253_402_300_799_000, "9999-12-31T23:59:59.000Z"),
            (253_402_300_800_000, "10000-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(Timestamp::from_unix_millis(millis).to_rfc3339(), text);
        }
    }

    #[test]
    fn a_moment_is_written_as_header_fields_have_it() {
        for (seconds, text) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (1_795_659_540, "Thu, 26 Nov 2026 02:19:00 GMT"),
        ] {
            assert_eq!(Timestamp::from_unix_seconds(seconds).to_http_date(), text);
        }
    }

    #[test]
    fn clocks_go_forward() {
        let (before, started) = (now(), monotonic());
        sleep(Duration::from_millis(2));
        assert!(monotonic() - started >= Duration::from_millis(2));
        assert!(now().since(before) >= Duration::from_millis(1));
        assert_eq!(before.since(now()), Duration::ZERO);
        assert!(unix_millis() > 1_700_000_000_000);
    }
}
