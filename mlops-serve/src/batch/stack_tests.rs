use mlops_core::signature::Dim;
use ndarray::{Array2, Axis};
use proptest::prelude::*;

use super::*;
use crate::batch::padding::Rounding;

fn layout(width: usize) -> Layout {
    let batch = || Dim::Symbolic("batch".into());
    let signature = ModelSignature {
        inputs: vec![
            TensorSpec::new("numbers", DataType::F32, [batch(), Dim::Fixed(width)]),
            TensorSpec::new("words", DataType::Bytes, [batch()]),
        ],
        outputs: vec![TensorSpec::new("y", DataType::F32, [batch()])],
    };
    plain(signature)
}

fn plain(signature: ModelSignature) -> Layout {
    Layout { signature: Arc::new(signature), padding: vec![], allowed_batch_sizes: vec![] }
}

fn request(rows: usize, width: usize, first: usize) -> NamedTensors {
    let numbers = Array2::from_shape_fn((rows, width), |(i, j)| (first + i * width + j) as f32);
    let words = (0..rows).map(|row| Bytes::from(format!("{}", first + row))).collect();
    let mut inputs = NamedTensors::single("numbers", Tensor::from_array(numbers));
    inputs.insert("words", Tensor::from_strings(&[rows], words).unwrap()).unwrap();
    inputs
}

proptest! {
    #[test]
    fn splitting_gives_back_what_was_stacked(rows in prop::collection::vec(0_usize..5, 1..9), width in 0_usize..100) {
        let requests: Vec<_> =
            rows.iter().enumerate().map(|(n, rows)| request(*rows, width, n * 1000)).collect();
        let mut stacker = Stacker::default();
        // Twice: the second time in memory that was used before.
        for _ in 0..2 {
            let layout = layout(width);
            let stacked = stacker.stack(&layout, &requests.iter()).unwrap();
            let total = rows.iter().sum();
            check_rows(&stacked, total).unwrap();
            prop_assert!(check_rows(&stacked, total + 1).is_err());
            let views: Vec<_> = requests
                .iter()
                .map(|inputs| inputs.get("numbers").unwrap().view::<f32>().unwrap())
                .collect();
            let expected = ndarray::concatenate(Axis(0), &views).unwrap();
            let numbers = stacked.get("numbers").unwrap();
            prop_assert_eq!(numbers.view::<f32>().unwrap(), expected);
            let mut start = 0;
            for (inputs, rows) in requests.iter().zip(&rows) {
                prop_assert_eq!(&split_rows(&layout, &stacked, start, *rows, inputs).unwrap(), inputs);
                start += rows;
            }
        }
    }
}

#[test]
fn small_rows_are_copied_and_large_ones_shared() {
    let batch = |width: usize| {
        NamedTensors::single("y", Tensor::from_array(Array2::<u8>::zeros((4, width))))
    };
    let address = |tensors: &NamedTensors, offset: usize| {
        tensors.get("y").unwrap().bytes().unwrap()[offset..].as_ptr()
    };
    let (small, large, layout) = (batch(256), batch(257), layout(1));
    assert_ne!(
        address(&split_rows(&layout, &small, 1, 1, &small).unwrap(), 0),
        address(&small, 256)
    );
    assert_eq!(
        address(&split_rows(&layout, &large, 1, 1, &large).unwrap(), 0),
        address(&large, 257)
    );
}

#[test]
fn memory_is_used_again_once_a_batch_is_gone() {
    let requests: Vec<_> = (0..4).map(|n| request(2, 8, n)).collect();
    let layout = layout(8);
    let mut stacker = Stacker::default();
    let address =
        |stacked: &NamedTensors| stacked.get("numbers").unwrap().bytes().unwrap().as_ptr();
    let first = stacker.stack(&layout, &requests.iter()).unwrap();
    let held = address(&first);
    // Still held: another place. Gone: the same again.
    assert_ne!(address(&stacker.stack(&layout, &requests.iter()).unwrap()), held);
    drop(first);
    let places: Vec<_> =
        (0..4).map(|_| address(&stacker.stack(&layout, &requests.iter()).unwrap())).collect();
    assert!(places.windows(2).any(|pair| pair[0] == pair[1]), "{places:?}");
}

/// `ids` (U8) and `mask` (I64), both `[batch, length]`; `y` has the length too, `z` has not.
fn text_layout(allowed_batch_sizes: Vec<usize>) -> Layout {
    let (batch, length) = (|| Dim::Symbolic("batch".into()), || Dim::Symbolic("length".into()));
    let signature = ModelSignature {
        inputs: vec![
            TensorSpec::new("mask", DataType::I64, [batch(), length()]),
            TensorSpec::new("ids", DataType::U8, [batch(), length()]),
        ],
        outputs: vec![
            TensorSpec::new("y", DataType::U8, [batch(), length(), Dim::Fixed(2)]),
            TensorSpec::new("z", DataType::U8, [batch(), Dim::Fixed(2)]),
        ],
    };
    let padding =
        Padding::new("length", Rounding::Sizes(vec![4, 8])).with_mask("mask").with_value("ids", 7);
    Layout { signature: Arc::new(signature), padding: vec![padding], allowed_batch_sizes }
}

fn text(rows: usize, length: usize) -> NamedTensors {
    let ids = Array2::from_shape_fn((rows, length), |(row, at)| (10 * (row + 1) + at) as u8);
    NamedTensors::single("ids", Tensor::from_array(ids))
}

#[test]
fn requests_are_padded_masked_and_filled_up() {
    let layout = text_layout(vec![1, 4]);
    let public = layout.public_signature();
    assert_eq!(
        public.to_string(),
        "(ids: UINT8[batch,length]) -> (y: UINT8[batch,length,2], z: UINT8[batch,2])"
    );
    let requests = [text(1, 3), text(2, 4)];
    let stacked = Stacker::default().stack(&layout, &requests.iter()).unwrap();
    layout.signature.validate_inputs(&stacked).unwrap();
    // The fourth row fills the batch up, and is like the third.
    let ids = stacked.get("ids").unwrap().as_slice::<u8>().unwrap();
    assert_eq!(ids, [10, 11, 12, 7, 10, 11, 12, 13, 20, 21, 22, 23, 20, 21, 22, 23]);
    let mask = stacked.get("mask").unwrap().as_slice::<i64>().unwrap();
    assert_eq!(mask, [1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
}

#[test]
fn what_is_complete_is_run_as_it_is() {
    let plain = layout(1);
    assert!(plain.is_complete(&request(3, 1, 0), 3));
    let allowed = Layout { allowed_batch_sizes: vec![2, 4], ..layout(1) };
    assert!(allowed.is_complete(&request(2, 1, 0), 2));
    assert!(!allowed.is_complete(&request(3, 1, 0), 3));
    // A mask has to be made.
    assert!(!text_layout(vec![]).is_complete(&text(1, 4), 1));
    let mut no_mask = text_layout(vec![]);
    no_mask.padding[0].mask = None;
    let with_mask = |length| {
        let mut inputs = text(1, length);
        let mask = Tensor::from_array(Array2::<i64>::ones((1, length)));
        inputs.insert("mask", mask).unwrap();
        inputs
    };
    assert!(no_mask.is_complete(&with_mask(4), 1));
    assert!(!no_mask.is_complete(&with_mask(3), 1));
}

#[test]
fn outputs_are_cut_back() {
    let layout = text_layout(vec![]);
    let outputs = |length: usize| {
        let y = ndarray::Array3::from_shape_fn((3, length, 2), |(i, j, k)| {
            (100 * i + 10 * j + k) as u8
        });
        let mut outputs = NamedTensors::single("y", Tensor::from_array(y));
        let z = Array2::from_shape_fn((3, 2), |(i, j)| (10 * i + j) as u8);
        outputs.insert("z", Tensor::from_array(z)).unwrap();
        outputs
    };
    let split = split_rows(&layout, &outputs(4), 1, 2, &text(2, 3)).unwrap();
    let y = split.get("y").unwrap();
    assert_eq!(y.shape(), [2, 3, 2]);
    let expected = [100, 101, 110, 111, 120, 121, 200, 201, 210, 211, 220, 221];
    assert_eq!(y.as_slice::<u8>().unwrap(), expected);
    assert_eq!(split.get("z").unwrap().as_slice::<u8>().unwrap(), [10, 11, 20, 21]);
    // A model that changes the size cannot be padded.
    let error = split_rows(&layout, &outputs(2), 1, 2, &text(2, 3)).unwrap_err();
    assert!(error.to_string().contains("`y` with 2 along `length` for 3"), "{error}");
}
