//! TLS by libpq's `sslmode` and `ssl*` settings, with rustls.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::conninfo::{CertMode, ConnInfo, RootCert, SslMode};
use super::tls_verify::{Check, ServerCheck};

/// The connector for these settings. It is needed for plain sessions too, and then reads no file.
pub(super) fn connector(info: &ConnInfo) -> Result<MakeRustlsConnect, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let off = info.sslmode == SslMode::Disable || info.hosts().iter().all(super::Host::is_socket);
    let roots = if off { None } else { roots(info)? };
    // libpq would ask it about every certificate; to pass it over would be less safe than the user believes.
    if let (Some(list), Some(_)) = (&info.revoked, &roots) {
        return Err(format!(
            "{} lists revoked certificates, which is not supported here: to connect without it, move it away or use \
             sslmode=disable",
            list.display()
        ));
    }
    let check = match (info.sslmode, &roots) {
        (SslMode::VerifyFull, Some(_)) => Check::Full,
        (SslMode::VerifyCa, Some(_)) => Check::Issuer,
        // libpq checks the issuer wherever it has a root certificate, whatever the mode.
        (SslMode::Disable | SslMode::Allow | SslMode::Prefer | SslMode::Require, Some(_)) => Check::Issuer,
        (SslMode::VerifyCa | SslMode::VerifyFull, None) if !off => {
            return Err(format!(
                "sslmode={} needs a root certificate: sslrootcert, or ~/.postgresql/root.crt, or sslrootcert=system",
                info.sslmode
            ));
        }
        (_, None) => Check::Nothing,
    };
    let mut versions: Vec<&'static SupportedProtocolVersion> = Vec::new();
    if info.tls_versions.tls12 {
        versions.push(&rustls::version::TLS12);
    }
    if info.tls_versions.tls13 {
        versions.push(&rustls::version::TLS13);
    }
    let (store, certificates) = roots.unwrap_or_else(|| (RootCertStore::empty(), Vec::new()));
    let verifier = ServerCheck::new(check, store, certificates, provider.signature_verification_algorithms);
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions)
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let client = if off { None } else { client_certificate(info)? };
    let mut config = match client {
        Some((chain, key)) => {
            builder.with_client_auth_cert(chain, key).map_err(|error| format!("client certificate: {error}"))?
        }
        None => builder.with_no_client_auth(),
    };
    config.enable_sni = info.sni;
    if info.wire.direct_tls {
        // A server takes direct TLS (PostgreSQL 17) only with its protocol named.
        config.alpn_protocols = vec![b"postgresql".to_vec()];
    }
    Ok(MakeRustlsConnect::new(config))
}

type Roots = (RootCertStore, Vec<CertificateDer<'static>>);

fn roots(info: &ConnInfo) -> Result<Option<Roots>, String> {
    let (certificates, source) = match &info.root_cert {
        RootCert::None => return Ok(None),
        RootCert::System => {
            // Honours SSL_CERT_FILE and SSL_CERT_DIR, as OpenSSL does for libpq.
            let found = rustls_native_certs::load_native_certs();
            (found.certs, "the system's certificate store".to_owned())
        }
        // As in libpq, a file that is not there matters only to the modes that promise a check.
        RootCert::File(path) if info.sslmode < SslMode::VerifyCa && !path.exists() => return Ok(None),
        RootCert::File(path) => {
            let source = format!("root certificate {}", path.display());
            (certificates(path).map_err(|error| format!("{source}: {error}"))?, source)
        }
    };
    let mut store = RootCertStore::empty();
    let (added, _unusable) = store.add_parsable_certificates(certificates.iter().cloned());
    // A certificate that is no usable anchor may still be the server's very own.
    if added == 0 && certificates.is_empty() {
        return Err(format!("{source}: no certificate found"));
    }
    Ok(Some((store, certificates)))
}

type ClientCertificate = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn client_certificate(info: &ConnInfo) -> Result<Option<ClientCertificate>, String> {
    let chain = match (info.cert_mode, &info.client_cert) {
        (CertMode::Disable, _) => return Ok(None),
        (CertMode::Allow | CertMode::Require, Some(path)) if path.exists() => path,
        (CertMode::Allow, _) => return Ok(None),
        (CertMode::Require, _) => return Err("sslcertmode=require needs a client certificate (sslcert)".to_owned()),
    };
    let Some(key) = &info.client_key else {
        return Err(format!("client certificate {} has no key (sslkey)", chain.display()));
    };
    let certificates =
        certificates(chain).map_err(|error| format!("client certificate {}: {error}", chain.display()))?;
    if certificates.is_empty() {
        return Err(format!("client certificate {}: no certificate found", chain.display()));
    }
    check_key_mode(key)?;
    let key = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| format!("client key {}: {}", key.display(), pem_error(&error, "unencrypted private key")))?;
    Ok(Some((certificates, key)))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    CertificateDer::pem_file_iter(path).and_then(Iterator::collect).map_err(|error| pem_error(&error, "certificate"))
}

fn pem_error(error: &pem::Error, wanted: &str) -> String {
    if let pem::Error::Io(error) = error {
        error.to_string()
    } else if matches!(error, pem::Error::NoItemsFound) {
        format!("no {wanted} found")
    } else {
        format!("{error:?}")
    }
}

/// libpq's rule for keys: the owner's alone, or root's and readable by a group.
fn check_key_mode(path: &Path) -> Result<(), String> {
    let metadata = std::fs::metadata(path).map_err(|error| format!("client key {}: {error}", path.display()))?;
    let forbidden = if metadata.uid() == 0 { 0o037 } else { 0o077 };
    if metadata.mode() & forbidden == 0 {
        Ok(())
    } else {
        Err(format!("client key {} has group or world access; its mode should be 0600", path.display()))
    }
}
