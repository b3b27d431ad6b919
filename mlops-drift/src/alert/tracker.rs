//! [`AlertTracker`]: one alert over time.

use std::time::Duration;

use mlops_core::{Error, Result, alert::Severity, timestamp::Timestamp};
use serde::{Deserialize, Deserializer, Serialize, de};

use super::thresholds::Judgement;

/// When bad figures become an alert, and when an alert ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct TrackerOptions {
    /// So many bad figures …
    pub hits: u32,
    /// … among the last so many make an alert; 64 at most.
    pub window: u32,
    /// And figures must have been bad for so long, without a good one between them.
    pub hold: Duration,
    /// So many good figures in a row end it.
    pub recoveries: u32,
    /// After it has ended, how long it is not told that it has begun again.
    pub cooldown: Duration,
    /// How often it is told once more while it lasts; `None` for never.
    pub repeat: Option<Duration>,
}

impl Default for TrackerOptions {
    fn default() -> Self {
        Self {
            hits: 1,
            window: 1,
            hold: Duration::ZERO,
            recoveries: 1,
            cooldown: Duration::ZERO,
            repeat: None,
        }
    }
}

impl TrackerOptions {
    /// Sets how many bad figures among how many make an alert.
    #[must_use]
    pub fn with_hits(mut self, hits: u32, window: u32) -> Self {
        (self.hits, self.window) = (hits, window);
        self
    }

    /// Sets for how long figures must have been bad.
    #[must_use]
    pub fn with_hold(mut self, hold: Duration) -> Self {
        self.hold = hold;
        self
    }

    /// Sets how many good figures in a row end it.
    #[must_use]
    pub fn with_recoveries(mut self, recoveries: u32) -> Self {
        self.recoveries = recoveries;
        self
    }

    /// Sets how long after its end it is not told that it has begun again.
    #[must_use]
    pub fn with_cooldown(mut self, cooldown: Duration) -> Self {
        self.cooldown = cooldown;
        self
    }

    /// Sets how often it is told once more while it lasts.
    #[must_use]
    pub fn with_repeat(mut self, repeat: Duration) -> Self {
        self.repeat = Some(repeat);
        self
    }

    /// # Errors
    /// [`Error::InvalidArgument`], naming what contradicts what.
    pub(super) fn check(&self) -> Result<()> {
        let invalid = |reason: String| Err(Error::invalid("alert options", reason));
        let Self { hits, window, recoveries, .. } = *self;
        if hits == 0 || window == 0 || recoveries == 0 {
            return invalid("`hits`, `window` and `recoveries` are at least 1".into());
        }
        if window > 64 {
            return invalid(format!("`window` is {window}, and 64 at most"));
        }
        if hits > window {
            return invalid(format!("{hits} `hits` do not fit into a `window` of {window}"));
        }
        Ok(())
    }
}

/// Where an alert stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Nothing is wrong.
    #[default]
    Ok,
    /// Figures are bad, but not enough of them, or not for long enough.
    Pending,
    /// It holds.
    Firing,
    /// It holds, and the last figures were good.
    Recovering,
}

/// What there is to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// It has begun.
    Began(Severity),
    /// It has become worse than it was ever told.
    Worsened(Severity),
    /// It lasts.
    Lasts(Severity),
    /// It has ended.
    Ended(Severity),
}

/// One alert over time: Ok → Pending → Firing → Recovering → Ok.
///
/// It is told figures as they come, each as judged, and says what there is to tell: at most one notice
/// for each. It holds no clock. Serialised, it goes on after a restart where it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertTracker {
    #[serde(deserialize_with = "checked")]
    options: TrackerOptions,
    phase: Phase,
    /// The last figures, the newest in the lowest bit; a bad one is 1.
    recent: u64,
    /// Since when figures have been bad, without a good one.
    bad_since: Option<Timestamp>,
    good_in_a_row: u32,
    /// The worst of this alert.
    severity: Severity,
    /// What was told last of this alert, and when; `None` until it is told.
    told: Option<(Severity, Timestamp)>,
    /// When the last alert that was told of ended.
    ended: Option<Timestamp>,
    is_acknowledged: bool,
}

impl AlertTracker {
    /// Nothing is wrong yet.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the options contradict each other.
    pub fn new(options: TrackerOptions) -> Result<Self> {
        options.check()?;
        Ok(Self {
            options,
            phase: Phase::Ok,
            recent: 0,
            bad_since: None,
            good_in_a_row: 0,
            severity: Severity::Info,
            told: None,
            ended: None,
            is_acknowledged: false,
        })
    }

    /// Where it stands.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// The worst of this alert, while there is one.
    #[must_use]
    pub fn severity(&self) -> Option<Severity> {
        self.is_firing().then_some(self.severity)
    }

    /// The worst that was told of this alert, if it was and still holds.
    pub(super) fn told(&self) -> Option<Severity> {
        self.told.map(|(severity, _)| severity)
    }

    /// Somebody knows of it: while it lasts it is not told again, unless it becomes worse.
    pub fn acknowledge(&mut self) {
        self.is_acknowledged = self.is_firing();
    }

    /// Forgets figures and alert, for instance because what is normal was learned anew. The cooldown
    /// goes on. An alert that was told of is told to have ended.
    pub fn reset(&mut self, now: Timestamp) -> Option<Notice> {
        let told = self.is_firing().then(|| self.told.take()).flatten();
        let ended = if told.is_some() { Some(now) } else { self.ended };
        let fresh = Self {
            options: self.options.clone(),
            ended,
            phase: Phase::Ok,
            recent: 0,
            bad_since: None,
            good_in_a_row: 0,
            severity: Severity::Info,
            told: None,
            is_acknowledged: false,
        };
        *self = fresh;
        told.map(|(severity, _)| Notice::Ended(severity))
    }

    /// Takes the judgement of the next figure. Where nothing could be said of it, there is none to take:
    /// everything stays as it is.
    pub fn update(&mut self, now: Timestamp, judgement: Judgement) -> Option<Notice> {
        self.recent = self.recent << 1 | u64::from(matches!(judgement, Judgement::Bad(_)));
        match judgement {
            Judgement::Bad(severity) => self.bad(now, severity),
            Judgement::Between => {
                self.good_in_a_row = 0;
                if self.is_firing() {
                    self.phase = Phase::Firing;
                }
                self.tell(now)
            }
            Judgement::Good => self.good(now),
        }
    }

    fn is_firing(&self) -> bool {
        matches!(self.phase, Phase::Firing | Phase::Recovering)
    }

    fn bad(&mut self, now: Timestamp, severity: Severity) -> Option<Notice> {
        self.good_in_a_row = 0;
        let since = *self.bad_since.get_or_insert(now);
        self.severity = self.severity.max(severity);
        if !self.is_firing() {
            let mask = u64::MAX >> (64 - self.options.window);
            let is_enough = (self.recent & mask).count_ones() >= self.options.hits
                && now.saturating_since(since) >= self.options.hold;
            self.phase = if is_enough { Phase::Firing } else { Phase::Pending };
        } else {
            self.phase = Phase::Firing;
        }
        self.tell(now)
    }

    fn good(&mut self, now: Timestamp) -> Option<Notice> {
        self.bad_since = None;
        self.good_in_a_row = self.good_in_a_row.saturating_add(1);
        if !self.is_firing() {
            let mask = u64::MAX >> (64 - self.options.window);
            if self.recent & mask == 0 {
                (self.phase, self.severity) = (Phase::Ok, Severity::Info);
            }
            return None;
        }
        if self.good_in_a_row < self.options.recoveries {
            self.phase = Phase::Recovering;
            return self.tell(now);
        }
        self.reset(now)
    }

    /// What there is to tell of an alert that holds.
    fn tell(&mut self, now: Timestamp) -> Option<Notice> {
        if !self.is_firing() {
            return None;
        }
        let severity = self.severity;
        let notice = match self.told {
            None => {
                let is_cooling = self
                    .ended
                    .is_some_and(|ended| now.saturating_since(ended) < self.options.cooldown);
                if is_cooling {
                    return None;
                }
                Notice::Began(severity)
            }
            Some((told, _)) if severity > told => Notice::Worsened(severity),
            Some((_, at)) => {
                let is_due =
                    self.options.repeat.is_some_and(|repeat| now.saturating_since(at) >= repeat);
                if !is_due || self.is_acknowledged {
                    return None;
                }
                Notice::Lasts(severity)
            }
        };
        self.told = Some((severity, now));
        Some(notice)
    }
}

/// Options as they were stored.
fn checked<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TrackerOptions, D::Error> {
    let options = TrackerOptions::deserialize(deserializer)?;
    options.check().map_err(de::Error::custom)?;
    Ok(options)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn judgement(letter: char) -> Judgement {
        match letter {
            'w' => Judgement::Bad(Severity::Warning),
            'c' => Judgement::Bad(Severity::Critical),
            '-' => Judgement::Between,
            _ => Judgement::Good,
        }
    }

    fn letter(notice: Option<Notice>) -> char {
        match notice {
            None => '.',
            Some(Notice::Began(Severity::Critical)) => 'B',
            Some(Notice::Began(_)) => 'b',
            Some(Notice::Worsened(_)) => 'W',
            Some(Notice::Lasts(_)) => 'l',
            Some(Notice::Ended(_)) => 'e',
        }
    }

    fn at(second: usize) -> Timestamp {
        Timestamp::EPOCH.saturating_add(seconds(second as u64))
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// What is told of figures that come every second.
    #[track_caller]
    fn told(options: TrackerOptions, figures: &str, expected: &str) {
        let mut tracker = AlertTracker::new(options).unwrap();
        let notices = figures.chars().enumerate();
        let notices: String = notices
            .map(|(second, figure)| letter(tracker.update(at(second), judgement(figure))))
            .collect();
        assert_eq!(notices, expected, "of {figures}");
    }

    fn options() -> TrackerOptions {
        TrackerOptions::default()
    }

    #[test]
    fn one_bad_figure_begins_it_and_one_good_one_ends_it() {
        told(options(), "ggwwg-gcg", "..b.e..Be");
    }

    #[test]
    fn so_many_of_so_many_begin_it() {
        told(options().with_hits(3, 5), "wggwgwwwgggw", "......b.e...");
        told(options().with_hits(2, 2), "wgwgwgww", ".......b");
    }

    #[test]
    fn figures_must_be_bad_for_long_enough() {
        told(options().with_hold(seconds(3)), "wwwwg", "...be");
        told(options().with_hold(seconds(3)), "wwgwwwwwg", "......b.e");
        // Neither bad nor good: the time goes on, but it does not begin with such a figure.
        told(options().with_hold(seconds(3)), "ww--wg", "....be");
    }

    #[test]
    fn good_figures_in_a_row_end_it() {
        told(options().with_recoveries(3), "wgwggwgggw", "b.......eb");
        told(options().with_recoveries(3), "wgg-ggg", "b.....e");
    }

    #[test]
    fn it_begins_again_after_the_cooldown_if_it_still_holds() {
        told(options().with_cooldown(seconds(4)), "wgwwwwwgw", "be...b.e.");
        // What nobody was told of has no end to be told of, and starts no cooldown.
        told(options().with_cooldown(seconds(4)), "wgwgggw", "be....b");
    }

    #[test]
    fn it_is_told_when_it_becomes_worse_and_when_it_lasts() {
        told(options(), "wwcwcg", "b.W..e");
        told(options().with_repeat(seconds(3)), "wwwwwwwg", "b..l..le");
        told(options().with_repeat(seconds(3)), "wwcwwwcg", "b.W..l.e");
    }

    #[test]
    fn nobody_is_reminded_of_what_they_acknowledged() {
        let mut tracker = AlertTracker::new(options().with_repeat(seconds(1))).unwrap();
        let mut told = String::new();
        for (second, figure) in "wwwwcwgwwg".chars().enumerate() {
            if second == 2 {
                tracker.acknowledge();
            }
            told.push(letter(tracker.update(at(second), judgement(figure))));
        }
        // It is the next alert, which nobody has seen.
        assert_eq!(told, "bl..W.eble");
    }

    #[test]
    fn a_reset_ends_what_was_told_and_keeps_the_cooldown() {
        let mut tracker = AlertTracker::new(options().with_cooldown(seconds(10))).unwrap();
        assert_eq!(tracker.reset(at(0)), None);
        tracker.update(at(1), judgement('c'));
        assert_eq!(tracker.reset(at(2)), Some(Notice::Ended(Severity::Critical)));
        assert_eq!((tracker.phase(), tracker.severity()), (Phase::Ok, None));
        assert_eq!(tracker.update(at(11), judgement('w')), None);
        assert_eq!(tracker.update(at(12), judgement('w')), Some(Notice::Began(Severity::Warning)));
    }

    #[test]
    fn phases() {
        let options = options().with_hits(2, 3).with_recoveries(2);
        let mut tracker = AlertTracker::new(options).unwrap();
        let phases = "wwg-gggwggg".chars().enumerate().map(|(second, figure)| {
            tracker.update(at(second), judgement(figure));
            match tracker.phase() {
                Phase::Ok => 'o',
                Phase::Pending => 'p',
                Phase::Firing => 'f',
                Phase::Recovering => 'r',
            }
        });
        assert_eq!(phases.collect::<String>(), "pfrfroopppo");
    }

    #[test]
    fn options_that_contradict_each_other_are_refused() {
        for (options, named) in [
            (options().with_hits(0, 1), "at least 1"),
            (options().with_recoveries(0), "at least 1"),
            (options().with_hits(1, 65), "65"),
            (options().with_hits(3, 2), "3 `hits`"),
        ] {
            let error = AlertTracker::new(options).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }

    proptest! {
        /// Beginnings and ends alternate, and what is told lasts in between.
        #[test]
        fn begins_and_ends_alternate(
            figures in "[wcg-]{0,200}",
            (hits, more) in (1..4_u32, 0..4_u32),
            recoveries in 1..4_u32,
            hold in 0..4_u64,
            cooldown in 0..8_u64,
            repeat in proptest::option::of(1..5_u64),
        ) {
            let mut options = options()
                .with_hits(hits, hits + more)
                .with_recoveries(recoveries)
                .with_hold(seconds(hold))
                .with_cooldown(seconds(cooldown));
            options.repeat = repeat.map(seconds);
            let mut tracker = AlertTracker::new(options).unwrap();
            let (mut holds, mut worst) = (false, Severity::Info);
            for (second, figure) in figures.chars().enumerate() {
                // A restart changes nothing.
                let text = serde_json::to_string(&tracker).unwrap();
                tracker = serde_json::from_str(&text).unwrap();
                let before = tracker.phase();
                match tracker.update(at(second), judgement(figure)) {
                    Some(Notice::Began(severity)) => {
                        prop_assert!(!holds);
                        (holds, worst) = (true, severity);
                    }
                    Some(Notice::Worsened(severity)) => {
                        prop_assert!(holds && severity > worst);
                        worst = severity;
                    }
                    Some(Notice::Lasts(severity)) => prop_assert!(holds && severity == worst),
                    Some(Notice::Ended(severity)) => {
                        prop_assert!(holds && severity == worst && figure == 'g');
                        holds = false;
                    }
                    None => {}
                }
                if figure == 'g' && before == Phase::Ok {
                    prop_assert_eq!(tracker.phase(), Phase::Ok);
                }
            }
        }
    }
}
