//! Moving an object from one store to another, in pieces, hashed on the way.

use std::{fmt, future::ready, sync::Arc};

use bytes::Bytes;
use futures_util::{StreamExt, future::join, stream::BoxStream};
use object_store::{ObjectStore, ObjectStoreExt, PutPayload, UploadPart, path::Path as ObjectPath};

use super::error::{check_digest, store_error};
use crate::{Digest, Result, digest::Digester, progress::Progress, relative_path::RelativePath};

/// Objects up to this size are written at once; larger ones in parts of this size, of which two are
/// in memory.
const PART_BYTES: usize = 8 << 20;

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
        let mut parts = Parts { stream: found.into_stream(), rest: Bytes::new() };
        let mut upload = store.put_multipart(target).await.map_err(write_error)?;
        let sent = async {
            // The next part is read while the one before is written.
            let mut writing: UploadPart = Box::pin(ready(Ok(())));
            loop {
                let (part, written) = join(parts.next(), writing).await;
                written.map_err(write_error)?;
                let part = part.map_err(read_error)?;
                if part.is_empty() {
                    break;
                }
                for piece in &part {
                    digester.update(piece);
                    progress.advance(piece.len() as u64);
                }
                writing = upload.put_part(part.into_iter().collect());
            }
            if let Some(expected) = expected {
                check_digest(&from.name, &digester.finish(), expected)?;
            }
            upload.complete().await.map(drop).map_err(write_error)
        };
        if let Err(error) = sent.await {
            if let Err(left) = upload.abort().await {
                tracing::warn!(%path, error = %left, "parts of an upload may be left behind");
            }
            return Err(error);
        }
    }
    Ok(Artifact {
        path: path.clone(),
        size_bytes: digester.size_bytes(),
        digest: digester.finish(),
    })
}

/// An object's content in parts of [`PART_BYTES`], each in pieces, the last part smaller.
struct Parts {
    stream: BoxStream<'static, object_store::Result<Bytes>>,
    /// What the last piece had more than its part took.
    rest: Bytes,
}

impl Parts {
    /// The next part; empty at the end.
    async fn next(&mut self) -> object_store::Result<Vec<Bytes>> {
        let (mut part, mut size_bytes) = (Vec::new(), 0);
        while size_bytes < PART_BYTES {
            if self.rest.is_empty() {
                match self.stream.next().await {
                    Some(piece) => self.rest = piece?,
                    None => break,
                }
            }
            let piece = self.rest.split_to(self.rest.len().min(PART_BYTES - size_bytes));
            size_bytes += piece.len();
            part.push(piece);
        }
        Ok(part)
    }
}
