//! Moving an object from one store to another, in pieces, hashed on the way.

use std::{fmt, future::poll_fn, pin::Pin, sync::Arc};

use futures_core::Stream;
use object_store::{
    ObjectStore, ObjectStoreExt, PutPayload, WriteMultipart, path::Path as ObjectPath,
};

use super::error::{check_digest, store_error};
use crate::{Digest, Result, digest::Digester, progress::Progress, relative_path::RelativePath};

/// Objects up to this size are written at once; larger ones in parts, of which this many bytes and
/// no more are in memory.
const PART_BYTES: usize = 8 << 20;
const PARTS_IN_FLIGHT: usize = 2;

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Where it lies in the store.
    pub path: RelativePath,
    /// How many bytes it has.
    pub size_bytes: u64,
    /// What it contains.
    pub digest: Digest,
}

/// An object to move.
pub(super) struct Source<'a> {
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) path: ObjectPath,
    /// What errors call it.
    pub(super) name: &'a (dyn fmt::Display + Sync),
}

/// Moves `from` to `target`, which appears only if the content has the digest that is expected.
pub(super) async fn transfer(
    from: Source<'_>,
    store: &Arc<dyn ObjectStore>,
    target: &ObjectPath,
    path: &RelativePath,
    expected: Option<&Digest>,
    progress: &dyn Progress,
) -> Result<Artifact> {
    let read_error = |error| store_error(error, &from.name);
    let write_error = |error| store_error(error, path);
    let found = from.store.get(&from.path).await.map_err(read_error)?;
    let size_bytes = found.meta.size;
    let mut digester = Digester::new();
    if size_bytes <= PART_BYTES as u64 {
        let content = found.bytes().await.map_err(read_error)?;
        digester.update(&content);
        progress.advance(content.len() as u64);
        if let Some(expected) = expected {
            check_digest(&from.name, &digester.finish(), expected)?;
        }
        let payload = PutPayload::from_bytes(content);
        store.put(target, payload).await.map_err(write_error)?;
    } else {
        let mut content = found.into_stream();
        let upload = store.put_multipart(target).await.map_err(write_error)?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
        while let Some(piece) = next(&mut content).await {
            let piece = piece.map_err(read_error)?;
            digester.update(&piece);
            upload.wait_for_capacity(PARTS_IN_FLIGHT).await.map_err(write_error)?;
            progress.advance(piece.len() as u64);
            upload.put(piece);
        }
        let as_expected = expected
            .map_or(Ok(()), |expected| check_digest(&from.name, &digester.finish(), expected));
        if let Err(corrupt) = as_expected {
            upload.abort().await.map_err(write_error)?;
            return Err(corrupt);
        }
        upload.finish().await.map_err(write_error)?;
    }
    Ok(Artifact {
        path: path.clone(),
        size_bytes: digester.size_bytes(),
        digest: digester.finish(),
    })
}

/// The next item of a stream.
pub(super) async fn next<T>(stream: &mut Pin<Box<dyn Stream<Item = T> + Send + '_>>) -> Option<T> {
    poll_fn(|context| stream.as_mut().poll_next(context)).await
}
