//! Arrays in C order made larger, and back.

/// Shows, piece by piece, an array of shape `from` as one of shape `to`, which is at least as large along
/// every axis: `fill`, one element, is what is new. `items` are whole elements of `fill.len()` each.
pub(super) fn pad<T>(
    items: &[T],
    from: &[usize],
    to: &[usize],
    fill: &[T],
    show: &mut impl FnMut(&[T]),
) {
    if from == to {
        return show(items);
    }
    let ([rows, inner @ ..], [to_rows, to_inner @ ..]) = (from, to) else {
        return;
    };
    let row = if items.is_empty() { 0 } else { items.len() / rows };
    for index in 0..*rows {
        pad(&items[index * row..(index + 1) * row], inner, to_inner, fill, show);
    }
    let missing = (to_rows - rows) * to_inner.iter().product::<usize>();
    (0..missing).for_each(|_| show(fill));
}

/// Shows, piece by piece, the part of an array of shape `from` that is one of shape `to`, which is at most
/// as large along every axis. An element is `width` items.
pub(super) fn cut<T>(
    items: &[T],
    from: &[usize],
    to: &[usize],
    width: usize,
    show: &mut impl FnMut(&[T]),
) {
    if from == to {
        return show(items);
    }
    let ([_, inner @ ..], [to_rows, to_inner @ ..]) = (from, to) else {
        return;
    };
    let row = inner.iter().product::<usize>() * width;
    for index in 0..*to_rows {
        cut(&items[index * row..(index + 1) * row], inner, to_inner, width, show);
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{ArrayD, IxDyn, Slice};
    use proptest::prelude::*;

    use super::*;

    fn padded(items: &[u8], from: &[usize], to: &[usize], fill: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        pad(items, from, to, fill, &mut |piece| out.extend_from_slice(piece));
        out
    }

    proptest! {
        #[test]
        fn it_is_what_ndarray_does_and_comes_back(
            axes in prop::collection::vec((0_usize..5, 0_usize..4), 0..4),
            width in 1_usize..5,
        ) {
            let from: Vec<usize> = axes.iter().map(|(size, _)| *size).collect();
            let to: Vec<usize> = axes.iter().map(|(size, more)| size + more).collect();
            let count: usize = from.iter().product();
            let elements: Vec<u8> = (0..count).map(|n| n as u8 + 1).collect();
            // Each element is its number, `width` times; the padding is zero.
            let wide = |elements: &[u8]| -> Vec<u8> {
                elements.iter().flat_map(|element| std::iter::repeat_n(*element, width)).collect()
            };
            let found = padded(&wide(&elements), &from, &to, &vec![0; width]);

            let small = ArrayD::from_shape_vec(IxDyn(&from), elements.clone()).unwrap();
            let mut large = ArrayD::<u8>::zeros(IxDyn(&to));
            large
                .slice_each_axis_mut(|axis| Slice::from(0..from[axis.axis.index()]))
                .assign(&small);
            prop_assert_eq!(&found, &wide(&large.into_raw_vec_and_offset().0));

            let mut back = Vec::new();
            cut(&found, &to, &from, width, &mut |piece| back.extend_from_slice(piece));
            prop_assert_eq!(back, wide(&elements));
        }
    }
}
