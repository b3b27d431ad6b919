//! How long a run takes, by its cost: learned from runs.

use std::time::Duration;

/// What runs have cost so far, as a curve that never falls.
///
/// Costs are gathered in cells, four to a doubling; each cell remembers a moving average of the costs and
/// times of its runs. Between cells the curve is straight. Neighbours that contradict one another (a
/// larger batch that took less, by chance) are averaged until none do: isotonic regression by pooling
/// adjacent violators (Barlow et al. 1972).
#[derive(Debug, Default)]
pub(super) struct LatencyTable {
    /// In the order of their numbers.
    cells: Vec<Cell>,
    /// Points of cost and seconds, made of the cells when they are asked for.
    curve: Vec<Point>,
    stale: bool,
}

#[derive(Debug, Clone, Copy)]
struct Cell {
    number: u32,
    mean: Point,
    runs: u32,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Point {
    cost: f64,
    seconds: f64,
}

/// Of the average that a new run makes up at least: what was long ago is forgotten.
const MEMORY: f64 = 0.1;

impl LatencyTable {
    /// Takes note of a run.
    pub(super) fn record(&mut self, cost: usize, took: Duration) {
        let cost = cost.max(1) as f64;
        let run = Point { cost, seconds: took.as_secs_f64() };
        let number = (cost.log2() * 4.0) as u32;
        self.stale = true;
        match self.cells.binary_search_by_key(&number, |cell| cell.number) {
            Ok(index) => self.cells[index].add(run),
            Err(index) => self.cells.insert(index, Cell { number, mean: run, runs: 1 }),
        }
    }

    /// How long a run of this cost is expected to take; `None` before the first run.
    pub(super) fn predict(&mut self, cost: usize) -> Option<Duration> {
        if self.stale {
            self.curve = isotonic(&self.cells);
            self.stale = false;
        }
        let cost = cost.max(1) as f64;
        let above = self.curve.partition_point(|point| point.cost < cost);
        let seconds = match (self.curve.get(above.wrapping_sub(1)), self.curve.get(above)) {
            (None, None) => return None,
            // Smaller than anything that was run: no longer than the smallest.
            (None, Some(above)) => above.seconds,
            (Some(below), Some(above)) => below.toward(*above, cost),
            (Some(below), None) => match self.curve.get(above.wrapping_sub(2)) {
                Some(before) => before.toward(*below, cost),
                None => below.seconds * cost / below.cost,
            },
        };
        Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
    }
}

impl Cell {
    fn add(&mut self, run: Point) {
        self.runs = self.runs.saturating_add(1);
        let share = (1.0 / f64::from(self.runs)).max(MEMORY);
        self.mean.cost += share * (run.cost - self.mean.cost);
        self.mean.seconds += share * (run.seconds - self.mean.seconds);
    }
}

impl Point {
    /// On the straight line through both, at this cost.
    fn toward(self, other: Self, cost: f64) -> f64 {
        let slope = (other.seconds - self.seconds) / (other.cost - self.cost);
        self.seconds + slope * (cost - self.cost)
    }
}

fn isotonic(cells: &[Cell]) -> Vec<Point> {
    // Blocks of cells that were pooled: their average time and how many they are.
    let mut blocks: Vec<(f64, usize)> = Vec::with_capacity(cells.len());
    for cell in cells {
        let mut block = (cell.mean.seconds, 1);
        while let Some(&(seconds, count)) = blocks.last()
            && seconds > block.0
        {
            let total = count + block.1;
            block.0 = (seconds * count as f64 + block.0 * block.1 as f64) / total as f64;
            block.1 = total;
            blocks.pop();
        }
        blocks.push(block);
    }
    let seconds =
        blocks.into_iter().flat_map(|(seconds, count)| std::iter::repeat_n(seconds, count));
    let points = cells.iter().zip(seconds);
    points.map(|(cell, seconds)| Point { cost: cell.mean.cost, seconds }).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn table(runs: &[(usize, u32)]) -> LatencyTable {
        let mut table = LatencyTable::default();
        for (cost, millis) in runs {
            table.record(*cost, *millis * MS);
        }
        table
    }

    fn millis(table: &mut LatencyTable, cost: usize) -> f64 {
        table.predict(cost).unwrap().as_secs_f64() * 1e3
    }

    #[test]
    fn nothing_is_known_before_the_first_run() {
        assert_eq!(LatencyTable::default().predict(1), None);
    }

    #[test]
    fn between_and_beyond_what_was_run() {
        let mut one = table(&[(8, 4)]);
        for (cost, expected) in [(0, 4.0), (1, 4.0), (8, 4.0), (16, 8.0)] {
            assert!((millis(&mut one, cost) - expected).abs() < 1e-9, "{cost}");
        }
        let mut two = table(&[(8, 4), (32, 10)]);
        for (cost, expected) in [(1, 4.0), (8, 4.0), (20, 7.0), (32, 10.0), (64, 18.0)] {
            assert!((millis(&mut two, cost) - expected).abs() < 1e-9, "{cost}");
        }
    }

    #[test]
    fn chance_does_not_make_larger_batches_faster() {
        let mut table = table(&[(8, 4), (16, 9), (32, 7), (64, 10)]);
        let at = [8, 16, 32, 64].map(|cost| millis(&mut table, cost));
        assert_eq!(at.map(f64::round), [4.0, 8.0, 8.0, 10.0]);
    }

    #[test]
    fn it_follows_a_machine_that_gets_slower() {
        let mut table = table(&[(8, 4); 1000]);
        for _ in 0..50 {
            table.record(8, 8 * MS);
        }
        assert!(millis(&mut table, 8) > 7.9);
    }

    proptest! {
        #[test]
        fn it_never_falls_and_stays_within_what_was_seen(
            runs in prop::collection::vec((0_usize..5000, 0_u32..1000), 1..60),
            asked in prop::collection::vec(0_usize..5000, 2..20),
        ) {
            let mut table = table(&runs);
            let mut asked = asked;
            asked.sort_unstable();
            let answers: Vec<_> = asked.iter().map(|cost| millis(&mut table, *cost)).collect();
            prop_assert!(answers.windows(2).all(|pair| pair[0] <= pair[1] + 1e-6), "{answers:?}");
            let least = runs.iter().map(|(_, millis)| *millis).min().unwrap();
            prop_assert!(answers[0] >= f64::from(least) - 1e-6);
        }
    }
}
