//! How long an answer may be kept (RFC 9111 section 4.2).

use std::time::{Duration, SystemTime};

/// Where the server does not say: IANA changes its files a few times a month.
const UNSAID: Duration = Duration::from_secs(24 * 3600);
/// Whatever the server says.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);

/// What the headers of an answer say about its age.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Headers<'h> {
    pub cache_control: Option<&'h str>,
    pub age: Option<&'h str>,
    pub expires: Option<&'h str>,
}

/// How much longer the answer is fresh at `now`, when it came in.
pub(super) fn lifetime(headers: Headers, now: SystemTime) -> Duration {
    let directives = headers.cache_control.unwrap_or_default();
    let mut directives = directives.split(',').map(str::trim);
    let forbids =
        |word: &str| word.eq_ignore_ascii_case("no-store") || word.eq_ignore_ascii_case("no-cache");
    let mut max_age = None;
    for directive in &mut directives {
        if forbids(directive) {
            return Duration::ZERO;
        }
        let (name, value) = directive.split_once('=').unwrap_or_default();
        if name.eq_ignore_ascii_case("max-age") {
            // What cannot be read counts as stale (RFC 9111 section 4.2.1).
            max_age = Some(value.trim_matches('"').parse().unwrap_or(0));
        }
    }
    let said = match (max_age, headers.expires) {
        (Some(seconds), _) => Duration::from_secs(seconds),
        (None, Some(expires)) => httpdate::parse_http_date(expires)
            .ok()
            .and_then(|end| end.duration_since(now).ok())
            .unwrap_or_default(),
        (None, None) => UNSAID,
    };
    let age = headers.age.and_then(|age| age.trim().parse().ok());
    said.saturating_sub(Duration::from_secs(age.unwrap_or(0)))
        .min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(cache_control: &str, age: &str, expires: &str) -> u64 {
        let some = |text: &'static str| Some(text).filter(|text| !text.is_empty());
        let leak = |text: &str| some(String::leak(text.to_owned()));
        let headers = Headers {
            cache_control: leak(cache_control),
            age: leak(age),
            expires: leak(expires),
        };
        let now = httpdate::parse_http_date("Sun, 22 Nov 2026 20:00:00 GMT").unwrap();
        lifetime(headers, now).as_secs()
    }

    #[test]
    fn servers_say_how_long() {
        for (cache_control, age, expires, expected) in [
            ("", "", "", 86_400),
            ("max-age=600", "", "", 600),
            ("public, Max-Age=\"600\"", "100", "", 500),
            ("max-age=600", "700", "", 0),
            ("max-age=soon", "", "", 0),
            ("max-age=99999999999", "", "", 2_592_000),
            ("no-store, max-age=600", "", "", 0),
            ("no-cache", "", "", 0),
            ("", "", "Sun, 22 Nov 2026 21:00:00 GMT", 3_600),
            ("", "", "Sun, 22 Nov 2026 19:00:00 GMT", 0),
            ("", "", "0", 0),
            ("max-age=60", "", "Sun, 22 Nov 2026 21:00:00 GMT", 60),
        ] {
            let lasts = seconds(cache_control, age, expires);
            assert_eq!(lasts, expected, "{cache_control:?} {age:?} {expires:?}");
        }
    }
}
