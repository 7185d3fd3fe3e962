//! The layout of an environment in a registry: the manifest and the configuration beside its file, laid out as the wasm
//! ecosystem does it, so that its other tools can read it too.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail, ensure};
use oci_client::{
    annotations::{ORG_OPENCONTAINERS_IMAGE_TITLE, ORG_OPENCONTAINERS_IMAGE_VERSION},
    manifest::{OCI_IMAGE_MEDIA_TYPE, OciDescriptor, OciImageManifest, OciManifest},
};
use serde_json::json;

use super::{parse_digest, written_digest};
use azr_core::task::Digest;
use azr_sandbox::{Environment, FILE_MAX_BYTES, JUDGE};

const CONFIG_MEDIA_TYPE: &str = "application/vnd.wasm.config.v0+json";
const LAYER_MEDIA_TYPE: &str = "application/wasm";

/// What is published beside an environment's file.
pub(super) struct Artifact {
    pub(super) config: Vec<u8>,
    pub(super) manifest: Vec<u8>,
}

impl Artifact {
    /// Depends on nothing but the environment, so that publishing it twice gives one digest.
    pub(super) fn new(file: &[u8], env: &Environment) -> Self {
        let config = json!({
            // The layout wants a time, and a true one would make every publication another.
            "created": "1970-01-01T00:00:00Z",
            "architecture": "wasm",
            // Says that this is a component.
            "os": "wasip2",
            "layerDigests": [written_digest(Digest::of(file))],
            "component": { "exports": [JUDGE], "imports": env.imports(), "target": null },
        });
        let config = config.to_string().into_bytes();
        let description = env.description();
        let annotations = BTreeMap::from([
            (ORG_OPENCONTAINERS_IMAGE_TITLE.to_owned(), description.name.clone()),
            (ORG_OPENCONTAINERS_IMAGE_VERSION.to_owned(), description.version.clone()),
        ]);
        let manifest = OciImageManifest {
            media_type: Some(OCI_IMAGE_MEDIA_TYPE.to_owned()),
            config: descriptor(CONFIG_MEDIA_TYPE, &config),
            layers: vec![descriptor(LAYER_MEDIA_TYPE, file)],
            annotations: Some(annotations),
            ..OciImageManifest::default()
        };
        let manifest = serde_json::to_vec(&manifest).expect("a manifest is plain data");
        Self { config, manifest }
    }
}

fn descriptor(media_type: &str, content: &[u8]) -> OciDescriptor {
    OciDescriptor {
        media_type: media_type.to_owned(),
        digest: written_digest(Digest::of(content)),
        size: content.len() as i64,
        ..OciDescriptor::default()
    }
}

/// What a manifest says about an environment's file.
pub(super) struct Layer {
    pub(super) digest: Digest,
    pub(super) bytes: u64,
}

/// The one layer of an artifact of the wasm ecosystem.
pub(super) fn layer(manifest: &[u8]) -> Result<Layer> {
    let manifest = serde_json::from_slice(manifest).context("its manifest is not one of an OCI registry")?;
    let OciManifest::Image(manifest) = manifest else {
        bail!("it is an index of several images, not an environment");
    };
    let [layer] = &*manifest.layers else {
        bail!("it has {} layers, and an environment has one; is it a container image?", manifest.layers.len());
    };
    ensure!(
        layer.media_type == LAYER_MEDIA_TYPE,
        "its layer is of type {:?}, and an environment's is {LAYER_MEDIA_TYPE:?}; is it a container image?",
        layer.media_type
    );
    let bytes = u64::try_from(layer.size).context("its layer has a negative size")?;
    ensure!(bytes <= FILE_MAX_BYTES, "its layer has {bytes} bytes; at most {FILE_MAX_BYTES} are fetched");
    Ok(Layer { digest: parse_digest(&layer.digest)?, bytes })
}
