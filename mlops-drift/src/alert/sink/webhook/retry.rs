//! [`Retry`]: what to do with an answer. Pure: it reads no clock and draws no numbers.

use std::time::Duration;

use mlops_core::timestamp::Timestamp;

use super::options::WebhookOptions;

/// How an attempt to post an alert went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// An answer with this status, and the receiver's wish to be left alone, as it was written.
    Status(u16, Option<String>),
    /// No connection, or no whole answer.
    Broken(String),
}

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// The receiver has the alert.
    Sent,
    /// Nothing more: sending it again would not help, or was done often enough.
    GiveUp,
    /// Send it again after this time.
    Again(Duration),
}

/// When an alert is sent again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Retry {
    max_attempts: u32,
    first_delay: Duration,
    max_delay: Duration,
    max_retry_after: Duration,
}

impl Retry {
    pub(super) fn new(options: &WebhookOptions) -> Self {
        let WebhookOptions { max_attempts, first_delay, max_delay, max_retry_after, .. } = *options;
        Self { max_attempts, first_delay, max_delay, max_retry_after }
    }

    /// What follows the answer to an attempt, of which the first is 1. `unit` is a random number in `[0, 1)`.
    pub(super) fn next(&self, answer: &Answer, attempt: u32, unit: f64, now: Timestamp) -> Next {
        let asked = match answer {
            Answer::Status(200..=299, _) => return Next::Sent,
            Answer::Status(429 | 500..=599, asked) => {
                asked.as_deref().and_then(|asked| retry_after(asked, now))
            }
            Answer::Status(..) => return Next::GiveUp,
            Answer::Broken(_) => None,
        };
        let asked = asked.unwrap_or(Duration::ZERO);
        if attempt >= self.max_attempts || asked > self.max_retry_after {
            return Next::GiveUp;
        }
        Next::Again(self.delay(attempt, unit).max(asked))
    }

    /// Exponential back-off with jitter: from the upper half of what has doubled with every attempt.
    fn delay(&self, attempt: u32, unit: f64) -> Duration {
        let doubled = 2_u32.saturating_pow(attempt - 1);
        let full = self.first_delay.saturating_mul(doubled).min(self.max_delay);
        full.mul_f64(0.5 + 0.5 * unit)
    }
}

/// A `Retry-After` of HTTP (RFC 9110, section 10.2.3): seconds, or a date in the form that servers must write.
/// One in the past is no time at all.
fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let micros = http_date(text)?.checked_mul(1_000_000)?;
    Some(Timestamp::from_micros(micros).saturating_since(now))
}

/// Seconds since the epoch of a date such as `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, section 5.6.7).
fn http_date(text: &str) -> Option<i64> {
    let mut words = text.strip_suffix(" GMT")?.split_once(", ")?.1.split(' ');
    let [day, month, year, time] = [words.next()?, words.next()?, words.next()?, words.next()?];
    let mut time = time.split(':').map(|part| part.parse::<i64>().ok());
    let [hour, minute, second] = [time.next()??, time.next()??, time.next()??];
    let [day, year] = [day.parse::<i64>().ok()?, year.parse::<i64>().ok()?];
    let month = MONTHS.iter().position(|name| *name == month)?;
    let is_date = (1..=31).contains(&day) && (1970..=9999).contains(&year);
    let is_time =
        (0..24).contains(&hour) && (0..60).contains(&minute) && (0..=60).contains(&second);
    if !is_date || !is_time || words.next().is_some() {
        return None;
    }
    // Days before the year, with one more for each leap year since 1970, and those before the month.
    let leaps = |year: i64| year / 4 - year / 100 + year / 400;
    let is_leap = leaps(year) > leaps(year - 1);
    let days = (year - 1970) * 365 + leaps(year - 1) - leaps(1969)
        + BEFORE[month]
        + i64::from(is_leap && month > 1)
        + day
        - 1;
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/// Days before each month.
const BEFORE: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn status(status: u16, retry_after: Option<&str>) -> Answer {
        Answer::Status(status, retry_after.map(str::to_owned))
    }

    #[test]
    fn answers() {
        let options = WebhookOptions::default()
            .with_delays(seconds(2), seconds(10))
            .with_max_attempts(6)
            .with_max_retry_after(seconds(100));
        let retry = Retry::new(&options);
        let broken = Answer::Broken("reset".into());
        for (answer, attempt, expected) in [
            (status(200, None), 1, Next::Sent),
            (status(204, Some("5")), 6, Next::Sent),
            (status(301, None), 1, Next::GiveUp),
            (status(307, None), 1, Next::GiveUp),
            (status(400, None), 1, Next::GiveUp),
            (status(404, Some("1")), 1, Next::GiveUp),
            (status(408, None), 1, Next::GiveUp),
            (status(500, None), 1, Next::Again(seconds(1))),
            (status(503, None), 2, Next::Again(seconds(2))),
            (status(429, None), 3, Next::Again(seconds(4))),
            (broken.clone(), 4, Next::Again(seconds(5))),
            (broken.clone(), 5, Next::Again(seconds(5))),
            (broken, 6, Next::GiveUp),
            (status(503, Some("7")), 1, Next::Again(seconds(7))),
            (status(503, Some("0")), 1, Next::Again(seconds(1))),
            (status(429, Some("100")), 1, Next::Again(seconds(100))),
            (status(429, Some("101")), 1, Next::GiveUp),
            (status(429, Some("soon")), 1, Next::Again(seconds(1))),
            (status(503, Some("Thu, 01 Jan 1970 00:01:00 GMT")), 1, Next::Again(seconds(50))),
        ] {
            let now = Timestamp::EPOCH.saturating_add(seconds(10));
            assert_eq!(retry.next(&answer, attempt, 0.0, now), expected, "{answer:?} {attempt}");
        }
    }

    #[test]
    fn waits_are_drawn_from_the_upper_half() {
        let retry = Retry::new(&WebhookOptions::default().with_delays(seconds(2), seconds(10)));
        assert_eq!(retry.delay(1, 0.0), seconds(1));
        assert_eq!(retry.delay(1, 0.5), Duration::from_millis(1500));
        assert!(retry.delay(1, 0.999) < seconds(2));
        // As often as that is no overflow.
        assert_eq!(retry.delay(u32::MAX, 0.0), seconds(5));
    }

    #[test]
    fn dates_of_http() {
        // Expected values from Python's `email.utils.parsedate_to_datetime`.
        for (text, expected) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("Tue, 29 Feb 2000 12:00:00 GMT", Some(951_825_600)),
            ("Sun, 22 Nov 2026 01:02:03 GMT", Some(1_795_309_323)),
            ("Mon, 01 Mar 2100 00:00:00 GMT", Some(4_107_542_400)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", None),
            ("Sun, 06 Nov 1994 24:49:37 GMT", None),
            ("Sun, 06 Nov 99999999999 08:49:37 GMT", None),
            ("Sun, 06 Nov 1994 08:49:37", None),
            ("-1", None),
            ("", None),
        ] {
            assert_eq!(http_date(text), expected, "{text}");
        }
    }
}
