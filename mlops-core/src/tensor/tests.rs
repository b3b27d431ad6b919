use half::{bf16, f16};
use ndarray::{Array2, Array3, ArrayD, Axis, arr0, array};
use proptest::prelude::*;

use super::*;

#[test]
fn from_array_takes_the_buffer() {
    let array = Array2::<f32>::zeros((3, 5));
    let address = array.as_ptr().addr();
    let tensor = Tensor::from_array(array);
    assert_eq!(tensor.as_slice::<f32>().unwrap().as_ptr().addr(), address);
}

#[test]
fn from_array_takes_the_buffer_of_a_sliced_array() {
    let mut array = Array2::from_shape_fn((4, 3), |(row, column)| (row * 3 + column) as i64);
    array.slice_axis_inplace(Axis(0), ndarray::Slice::from(1..3));
    let address = array.as_ptr().addr();
    let tensor = Tensor::from_array(array);
    assert_eq!(tensor.shape(), [2, 3]);
    assert_eq!(tensor.as_slice::<i64>().unwrap(), [3, 4, 5, 6, 7, 8]);
    assert_eq!(tensor.as_slice::<i64>().unwrap().as_ptr().addr(), address);
}

#[test]
fn from_array_of_another_layout_is_in_c_order() {
    let tensor = Tensor::from_array(array![[1_u16, 2], [3, 4]].reversed_axes());
    assert_eq!(tensor.as_slice::<u16>().unwrap(), [1, 3, 2, 4]);
}

#[test]
fn from_array_of_a_reversed_array_is_in_its_order() {
    let mut array = array![1_i32, 2, 3];
    array.invert_axis(Axis(0));
    assert_eq!(Tensor::from_array(array).as_slice::<i32>().unwrap(), [3, 2, 1]);
}

#[test]
fn rows_share_the_buffer() {
    let tensor = Tensor::from_array(Array3::from_shape_fn((4, 2, 3), |(i, j, k)| {
        (i * 6 + j * 3 + k) as f64
    }));
    let rows = tensor.rows(1..3).unwrap();
    assert_eq!(rows.shape(), [2, 2, 3]);
    let (all, some) = (tensor.as_slice::<f64>().unwrap(), rows.as_slice::<f64>().unwrap());
    assert_eq!(some.as_ptr(), all[6..].as_ptr());
    assert_eq!(some, &all[6..18]);
    // A detached slice has a buffer of its own.
    assert_eq!(rows.detached(), rows);
    assert_ne!(rows.detached().as_slice::<f64>().unwrap().as_ptr(), some.as_ptr());
}

#[test]
fn string_rows_share_the_items() {
    let items: Vec<Bytes> = ["a", "", "c\0d", "\u{fffd}"].map(Bytes::from).to_vec();
    let tensor = Tensor::from_strings(&[2, 2], items.clone()).unwrap();
    let rows = tensor.rows(1..2).unwrap();
    assert_eq!(rows.strings().unwrap(), &items[2..]);
    assert_eq!(rows.rows(0..1).unwrap().strings().unwrap(), &items[2..]);
    assert_eq!(rows.size_bytes(), 6);
    assert_eq!(rows.detached(), rows);
    assert_ne!(tensor.rows(0..1).unwrap(), rows);
}

#[test]
fn scalars_and_empty_tensors() {
    let scalar = Tensor::from_array(arr0(2.5_f32));
    assert_eq!((scalar.shape(), scalar.element_count(), scalar.row_count()), (&[][..], 1, None));
    assert_eq!(scalar.view::<f32>().unwrap(), arr0(2.5).into_dyn());
    assert!(scalar.rows(0..0).is_err());

    let empty = Tensor::from_bytes(DataType::F64, &[0, 7], Bytes::new()).unwrap();
    assert_eq!(empty.view::<f64>().unwrap().shape(), [0, 7]);
    assert_eq!(empty.rows(0..0).unwrap().shape(), [0, 7]);
    assert!(Tensor::from_bytes(DataType::F64, &[usize::MAX, 0, 9], Bytes::new()).is_ok());
    assert_eq!(Tensor::from_array(ArrayD::<bool>::default(IxDyn(&[3, 0]))).size_bytes(), 0);
}

#[test]
#[expect(clippy::reversed_empty_ranges, reason = "that is the bad input")]
fn bad_input_is_refused() {
    let bytes = Bytes::from(vec![0; 12]);
    assert!(Tensor::from_bytes(DataType::F32, &[2], bytes.clone()).is_err());
    assert!(Tensor::from_bytes(DataType::F32, &[usize::MAX, 2], bytes.clone()).is_err());
    assert!(Tensor::from_bytes(DataType::F64, &[usize::MAX / 4], bytes.clone()).is_err());
    assert!(Tensor::from_bytes(DataType::Bytes, &[12], bytes.clone()).is_err());
    assert!(Tensor::from_strings(&[2], vec![bytes.clone()]).is_err());

    let tensor = Tensor::from_bytes(DataType::F32, &[3], bytes).unwrap();
    assert!(tensor.as_slice::<i32>().is_err());
    assert!(tensor.rows(2..4).is_err());
    assert!(tensor.rows(2..1).is_err());
    assert!(tensor.reshaped(&[2, 2]).is_err());
    assert_eq!(tensor.reshaped(&[1, 3, 1]).unwrap().shape(), [1, 3, 1]);
    assert!(Tensor::from_strings(&[0], vec![]).unwrap().as_slice::<u8>().is_err());
}

#[test]
fn bool_bytes_are_checked_when_read() {
    let tensor = Tensor::from_bytes(DataType::Bool, &[2], Bytes::from_static(&[1, 2])).unwrap();
    assert!(tensor.as_slice::<bool>().is_err());
}

#[test]
fn debug_hides_the_content() {
    let tensor = Tensor::from_array(array![[1.5_f32, 2.5]]);
    assert_eq!(format!("{tensor:?}"), "Tensor(FP32[1, 2], 8 bytes)");
}

/// Elements for every numeric type from the same bits.
#[expect(clippy::needless_pass_by_value, reason = "the callers make it for this")]
fn round_trip<T: Element + PartialEq>(elements: Vec<T>) -> Result<(), TestCaseError> {
    let tensor = Tensor::from_array(ndarray::Array1::from_vec(elements.clone()));
    prop_assert_eq!(T::as_bytes(tensor.as_slice::<T>().unwrap()), T::as_bytes(&elements));

    // The same bytes at every misalignment: refused as they lie, right after `into_aligned`.
    for shift in 0..8 {
        let mut padded = vec![0; shift];
        padded.extend_from_slice(T::as_bytes(&elements));
        let bytes = Bytes::from(padded).slice(shift..);
        let aligned = bytes.is_empty() || bytes.as_ptr().addr().is_multiple_of(size_of::<T>());
        let shifted = Tensor::from_bytes(T::DATA_TYPE, &[elements.len()], bytes.clone()).unwrap();
        prop_assert_eq!(shifted.as_slice::<T>().is_ok(), aligned);
        let moved = shifted.clone().into_aligned();
        prop_assert_eq!(moved.bytes().unwrap().as_ptr() == bytes.as_ptr(), aligned);
        prop_assert_eq!(T::as_bytes(moved.as_slice::<T>().unwrap()), T::as_bytes(&elements));
        prop_assert_eq!(moved, shifted);
    }
    Ok(())
}

proptest! {
    #[test]
    fn every_type_round_trips_at_every_alignment(bits: Vec<u64>) {
        round_trip(bits.clone())?;
        round_trip(bits.iter().map(|b| *b as u8).collect())?;
        round_trip(bits.iter().map(|b| *b as u16).collect())?;
        round_trip(bits.iter().map(|b| *b as u32).collect())?;
        round_trip(bits.iter().map(|b| *b as i8).collect())?;
        round_trip(bits.iter().map(|b| *b as i16).collect())?;
        round_trip(bits.iter().map(|b| *b as i32).collect())?;
        round_trip(bits.iter().map(|b| *b as i64).collect())?;
        round_trip(bits.iter().map(|b| b % 2 == 1).collect())?;
        round_trip(bits.iter().map(|b| f16::from_bits(*b as u16)).collect())?;
        round_trip(bits.iter().map(|b| bf16::from_bits(*b as u16)).collect())?;
        round_trip(bits.iter().map(|b| f32::from_bits(*b as u32)).collect())?;
        round_trip(bits.iter().map(|b| f64::from_bits(*b)).collect())?;
    }

    #[test]
    fn rows_are_the_rows_of_the_view(rows in 0_usize..9, columns in 0_usize..5, cut in any::<(u8, u8)>()) {
        let array = Array2::from_shape_fn((rows, columns), |(row, column)| (row * 10 + column) as u32);
        let tensor = Tensor::from_array(array.clone());
        let (one, other) = (usize::from(cut.0) % (rows + 1), usize::from(cut.1) % (rows + 1));
        let range = one.min(other)..one.max(other);
        let expected = array.slice_axis(Axis(0), range.clone().into());
        let sliced = tensor.rows(range).unwrap();
        prop_assert_eq!(sliced.view::<u32>().unwrap(), expected.into_dyn());
    }
}
