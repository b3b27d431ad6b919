//! Writes what `mlops-serve/src/protocol/oip/grpc/generated/` holds from `inference.proto` beside it.

use std::{error::Error, fs, path::Path};

use prost::Message;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../mlops-serve/src/protocol/oip/grpc/generated");
    let descriptors = protox::compile(["inference.proto"], [&folder])?;
    // For reflection. Without the comments: they are for readers of the source.
    let mut bare = descriptors.clone();
    bare.file.iter_mut().for_each(|file| file.source_code_info = None);
    fs::write(folder.join("inference.bin"), bare.encode_to_vec())?;

    let mut config = prost_build::Config::new();
    // Tensors are slices of the message that came.
    config.bytes(["."]);
    config.out_dir(&folder);
    tonic_prost_build::configure()
        .build_client(false)
        .build_transport(false)
        .out_dir(&folder)
        .compile_fds_with_config(descriptors, config)?;
    Ok(())
}
