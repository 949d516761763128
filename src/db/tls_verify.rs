//! How a server's certificate is checked, mode by mode.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// What is checked beyond the handshake's signature, which always is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    /// Any certificate will do.
    Nothing,
    /// A known root issued it.
    Issuer,
    /// A known root issued it, and it names the host.
    Full,
}

/// rustls's certificate check with libpq's three strengths.
#[derive(Debug)]
pub(super) struct ServerCheck {
    check: Check,
    roots: RootCertStore,
    certificates: Vec<CertificateDer<'static>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCheck {
    /// `certificates` are the roots once more, whole: the store keeps their subjects and keys only.
    pub(super) fn new(
        check: Check,
        roots: RootCertStore,
        certificates: Vec<CertificateDer<'static>>,
        algorithms: WebPkiSupportedAlgorithms,
    ) -> Self {
        Self { check, roots, certificates, algorithms }
    }

    fn check_issuer(
        &self,
        parsed: &ParsedCertificate<'_>,
        der: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        let algorithms = self.algorithms.all;
        match verify_server_cert_signed_by_trust_anchor(parsed, &self.roots, intermediates, now, algorithms) {
            // `openssl req -x509` makes a CA's certificate, and many servers present just that. OpenSSL, and so libpq,
            // takes it when it is itself the configured root. Its dates were checked before its constraints.
            Err(error) if is_ca_certificate(&error) && self.certificates.iter().any(|known| known == der) => Ok(()),
            other => other,
        }
    }
}

/// The error that webpki gives for a CA's certificate in a server's place. rustls passes it on as an opaque value.
fn is_ca_certificate(error: &Error) -> bool {
    if let Error::InvalidCertificate(CertificateError::Other(other)) = error {
        format!("{other:?}").contains("CaUsedAsEndEntity")
    } else {
        false
    }
}

impl ServerCertVerifier for ServerCheck {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.check {
            Check::Nothing => {}
            Check::Issuer => {
                self.check_issuer(&ParsedCertificate::try_from(end_entity)?, end_entity, intermediates, now)?;
            }
            Check::Full => {
                let parsed = ParsedCertificate::try_from(end_entity)?;
                self.check_issuer(&parsed, end_entity, intermediates, now)?;
                verify_server_name(&parsed, server_name)?;
            }
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
