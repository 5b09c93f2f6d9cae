//! TLS as Open vSwitch uses it (ovs-pki(8)): both sides show a certificate, and each checks that
//! the other's was signed by the authority it trusts.
//!
//! Names do not count: the certificates that `ovs-pki` makes name no host, and Open vSwitch does
//! not look at them either. Whoever the authority signed for may serve the database.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::client::verify_server_cert_signed_by_trust_anchor;
use tokio_rustls::rustls::crypto::{
    WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::{ParsedCertificate, VerifierBuilderError, WebPkiClientVerifier};
use tokio_rustls::rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, ServerConfig, SignatureScheme,
};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// The files that identify this side, and the authority that vouches for the other. They are read
/// anew for each connection, so that renewed certificates are used without a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pki {
    /// This side's private key, as PEM.
    pub private_key: PathBuf,
    /// This side's certificate, as PEM.
    pub certificate: PathBuf,
    /// The certificate of the authority that signs the servers', as PEM.
    pub ca_certificate: PathBuf,
}

/// The files are of no use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PkiError {
    /// A file cannot be read, or is no PEM file of the right kind.
    #[error("{}: {error}", .file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Why.
        error: pem::Error,
    },
    /// The contents do not belong together, or are not supported.
    #[error("the keys and certificates cannot be used: {0}")]
    Unusable(#[from] Error),
    /// The file of the authority holds none that could vouch for anybody.
    #[error("the authority cannot be used: {0}")]
    Authority(#[from] VerifierBuilderError),
}

impl From<PkiError> for io::Error {
    fn from(error: PkiError) -> Self {
        Self::new(io::ErrorKind::InvalidInput, error)
    }
}

impl Pki {
    /// Reads the files, for a connection to a server.
    pub(crate) fn connector(&self) -> Result<TlsConnector, PkiError> {
        let provider = Arc::new(ring::default_provider());
        let verifier = Arc::new(SignedByAuthority {
            authorities: self.authorities()?,
            algorithms: provider.signature_verification_algorithms,
        });
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_client_auth_cert(certificates(&self.certificate)?, self.key()?)?;
        Ok(TlsConnector::from(Arc::new(config)))
    }

    /// Reads the files, for a connection that the server opens. It is the server of the database
    /// all the same who is the client of TLS then.
    pub(crate) fn acceptor(&self) -> Result<TlsAcceptor, PkiError> {
        let provider = Arc::new(ring::default_provider());
        let authorities = Arc::new(self.authorities()?);
        let verifier =
            WebPkiClientVerifier::builder_with_provider(authorities, Arc::clone(&provider))
                .build()?;
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(verifier)
            .with_single_cert(certificates(&self.certificate)?, self.key()?)?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    fn authorities(&self) -> Result<RootCertStore, PkiError> {
        let mut authorities = RootCertStore::empty();
        for certificate in certificates(&self.ca_certificate)? {
            authorities.add(certificate)?;
        }
        Ok(authorities)
    }

    fn key(&self) -> Result<PrivateKeyDer<'static>, PkiError> {
        PrivateKeyDer::from_pem_file(&self.private_key).map_err(|error| PkiError::File {
            file: self.private_key.clone(),
            error,
        })
    }
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, PkiError> {
    let failed = |error| PkiError::File {
        file: file.to_owned(),
        error,
    };
    let certificates = CertificateDer::pem_file_iter(file).map_err(failed)?;
    let certificates: Vec<_> = certificates.collect::<Result<_, _>>().map_err(failed)?;
    match certificates.is_empty() {
        true => Err(failed(pem::Error::NoItemsFound)),
        false => Ok(certificates),
    }
}

/// Accepts whatever the authority has signed.
#[derive(Debug)]
struct SignedByAuthority {
    authorities: RootCertStore,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for SignedByAuthority {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let certificate = ParsedCertificate::try_from(end_entity)?;
        verify_server_cert_signed_by_trust_anchor(
            &certificate,
            &self.authorities,
            intermediates,
            now,
            self.algorithms.all,
        )?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
