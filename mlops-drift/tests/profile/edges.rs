//! Where the bins of a number end.

use mlops_core::Error;
use mlops_drift::profile::Edges;
use proptest::prelude::*;

use super::normal;

fn counts(edges: &Edges, sample: &[f64]) -> Vec<usize> {
    let mut counts = vec![0; edges.bins()];
    for value in sample {
        counts[edges.bin(*value)] += 1;
    }
    counts
}

#[test]
fn bins_hold_equal_shares() {
    let sample = normal("shares", 10_000);
    for bins in [1, 2, 10, 100, 255] {
        let edges = Edges::fit(&sample, bins).unwrap();
        assert_eq!(edges.as_slice().len(), bins + 1);
        let counts = counts(&edges, &sample);
        assert_eq!((counts[0], counts[bins + 1]), (0, 0));
        let shares = 10_000 / bins..=10_000_usize.div_ceil(bins);
        assert!(counts[1..=bins].iter().all(|count| shares.contains(count)), "{counts:?}");
    }
}

#[test]
fn edges_are_short_numbers() {
    let edges = Edges::fit(&normal("short", 100_000), 100).unwrap();
    // All but the ends, which are as exact as the least and the greatest value.
    let inner = &edges.as_slice()[1..100];
    let digits: usize = inner.iter().map(|edge| edge.to_string().len()).sum();
    assert!(digits <= 99 * 8, "{inner:?}");
}

#[test]
fn an_outlier_moves_no_edge() {
    let mut sample = normal("outlier", 1000);
    let before = Edges::fit(&sample, 20).unwrap();
    let greatest = sample.iter().copied().fold(f64::MIN, f64::max);
    *sample.iter_mut().find(|value| **value == greatest).unwrap() = 1e9;
    let after = Edges::fit(&sample, 20).unwrap();
    assert_eq!(before.as_slice()[..20], after.as_slice()[..20]);
    assert_eq!(after.as_slice()[20], 1e9_f64.next_up());
}

#[test]
fn atoms_have_a_bin_of_their_own() {
    let mut sample = normal("atoms", 1000);
    sample.extend([0.0; 700]);
    sample.extend([-0.0; 300]);
    let edges = Edges::fit(&sample, 50).unwrap();
    let bin = edges.bin(0.0);
    assert_eq!((edges.bin(-0.0), edges.anchor(bin)), (bin, 0.0));
    assert_eq!(edges.bin(0.0_f64.next_up()), bin + 1);
    assert_eq!(edges.bin((-0.0_f64).next_down()), bin - 1);
    assert_eq!(counts(&edges, &sample)[bin], 1000);
    // The rest is cut as finely as the bins that are left allow.
    assert!(edges.as_slice().len() > 20, "{}", edges.as_slice().len());
}

#[test]
fn integers_have_a_bin_each() {
    let sample: Vec<f64> = (0..1000).map(|row| f64::from(row % 10)).collect();
    let edges = Edges::fit(&sample, 100).unwrap();
    let mut expected: Vec<f64> = (0..10).map(f64::from).collect();
    expected.extend((0..10).map(|value| f64::from(value).next_up()));
    expected.sort_unstable_by(f64::total_cmp);
    assert_eq!(edges.as_slice(), expected);
    // With bins for the integers alone, each takes in what is between it and the next.
    let few = Edges::fit(&sample, 10).unwrap();
    assert_eq!(few.as_slice()[..10], expected.iter().copied().step_by(2).collect::<Vec<_>>());
    assert_eq!(few.as_slice().len(), 11);
}

#[test]
fn degenerate_samples() {
    assert_eq!(Edges::fit(&[], 10).unwrap().bins(), 1);
    assert_eq!(Edges::fit(&[], 10).unwrap().bin(3.0), 0);
    for constant in [0.0, -1.5, 1e300, 5e-324] {
        let edges = Edges::fit(&[constant; 7], 10).unwrap();
        assert_eq!(edges.as_slice(), [constant, constant.next_up()]);
    }
    // Nothing is above the largest number: it counts as above itself.
    let edges = Edges::fit(&[f64::MIN, 0.0, f64::MAX], 10).unwrap();
    assert_eq!(edges.as_slice()[0], f64::MIN);
    assert_eq!(edges.bin(f64::MAX), edges.bins() - 1);
    assert_eq!(Edges::fit(&[f64::MAX; 3], 10).unwrap().as_slice(), [f64::MAX]);
}

#[test]
fn bad_input_is_refused() {
    for (sample, bins, which, part) in [
        (&[1.0, f64::NAN][..], 10, "sample", "value 1 is NaN"),
        (&[f64::INFINITY], 10, "sample", "value 0 is inf"),
        (&[1.0], 0, "bins", "0 is not from 1 to 255"),
        (&[1.0], 256, "bins", "256 is not from 1 to 255"),
    ] {
        let error = Edges::fit(sample, bins).unwrap_err();
        assert!(matches!(error, Error::InvalidArgument { what, .. } if what == which));
        assert!(error.to_string().contains(part), "{error}");
    }
    for wrong in [vec![1.0, 1.0], vec![2.0, 1.0], vec![f64::NAN], vec![0.0; 257]] {
        let error = Edges::from_values(wrong).unwrap_err();
        assert!(matches!(error, Error::InvalidArgument { what: "edges", .. }));
    }
}

proptest! {
    #[test]
    fn every_sample_has_edges(
        mut sample in prop::collection::vec(
            prop_oneof![
                -3_i32..3,
                -1000_i32..1000,
            ].prop_map(|value| f64::from(value) / 7.0),
            1..400,
        ),
        extreme in prop::option::of(prop::num::f64::NORMAL),
        bins in 1_usize..256,
    ) {
        sample.extend(extreme);
        let edges = Edges::fit(&sample, bins).unwrap();
        prop_assert!(edges.as_slice().len() <= bins + 1);
        prop_assert_eq!(&Edges::from_values(edges.as_slice()).unwrap(), &edges);
        let counts = counts(&edges, &sample);
        prop_assert_eq!(counts[0], 0);
        prop_assert_eq!(counts[edges.bins() - 1], 0);
        // Where many values repeat there are fewer bins than asked for; but a bin of several values never
        // holds many shares.
        let share = sample.len().div_ceil(bins);
        for (bin, count) in counts.iter().enumerate() {
            let mut inside: Vec<f64> =
                sample.iter().copied().filter(|value| edges.bin(*value) == bin).collect();
            inside.sort_unstable_by(f64::total_cmp);
            inside.dedup();
            prop_assert!(*count <= 8 * share || inside.len() == 1, "{} {}", count, share);
        }
    }
}
