//! TLS as Open vSwitch uses it (ovs-pki(8)): both sides show a certificate, and each checks that
//! the other's was signed by the authority it trusts.
//!
//! There are two authorities, one that signs switches and one that signs controllers, so that no
//! switch can pass for a controller. Names do not count: the certificates that `ovs-pki` makes name
//! no host, and Open vSwitch does not look at them either.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::client::verify_server_cert_signed_by_trust_anchor;
use tokio_rustls::rustls::crypto::{
    WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::pem::{self, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::{ParsedCertificate, VerifierBuilderError, WebPkiClientVerifier};
use tokio_rustls::rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, ServerConfig, SignatureScheme,
};
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

/// The files that identify this side, and the authority that vouches for the switches. They are
/// read anew for each connection, so that renewed certificates are used without a restart.
///
/// ```
/// # use openflow::Pki;
/// let pki = Pki {
///     private_key: "/etc/openvswitch/ctl-privkey.pem".into(),
///     certificate: "/etc/openvswitch/ctl-cert.pem".into(),
///     ca_certificate: "/var/lib/openvswitch/pki/switchca/cacert.pem".into(),
/// };
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pki {
    /// This side's private key, as PEM.
    pub private_key: PathBuf,
    /// This side's certificate, as PEM.
    pub certificate: PathBuf,
    /// The certificate of the authority that signs the switches', as PEM.
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
    /// The authority cannot vouch for anybody.
    #[error("the authority cannot be used: {0}")]
    Authority(#[from] VerifierBuilderError),
}

impl From<PkiError> for io::Error {
    fn from(error: PkiError) -> Self {
        Self::new(io::ErrorKind::InvalidInput, error)
    }
}

impl Pki {
    /// Secures a stream that this side opened to `host`.
    pub(super) async fn connect(
        &self,
        host: &str,
        stream: TcpStream,
    ) -> io::Result<client::TlsStream<TcpStream>> {
        // TLS sends a name along, although it is not looked at afterwards.
        let name = ServerName::try_from(host.to_owned())
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        self.connector()?.connect(name, stream).await
    }

    /// Secures a stream that a switch opened.
    pub(super) async fn accept(
        &self,
        stream: TcpStream,
    ) -> io::Result<server::TlsStream<TcpStream>> {
        self.acceptor()?.accept(stream).await
    }

    /// Reads the files.
    fn connector(&self) -> Result<TlsConnector, PkiError> {
        let provider = Arc::new(ring::default_provider());
        let authorities = self.authorities()?;
        let algorithms = provider.signature_verification_algorithms;
        let verifier = Arc::new(SignedByAuthority {
            authorities,
            algorithms,
        });
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_client_auth_cert(certificates(&self.certificate)?, self.key()?)?;
        Ok(TlsConnector::from(Arc::new(config)))
    }

    /// Reads the files.
    fn acceptor(&self) -> Result<TlsAcceptor, PkiError> {
        let provider = Arc::new(ring::default_provider());
        let authorities = Arc::new(self.authorities()?);
        let verifier =
            WebPkiClientVerifier::builder_with_provider(authorities, Arc::clone(&provider));
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(verifier.build()?)
            .with_single_cert(certificates(&self.certificate)?, self.key()?)?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    fn key(&self) -> Result<PrivateKeyDer<'static>, PkiError> {
        let file = self.private_key.as_path();
        PrivateKeyDer::from_pem_file(file).map_err(|error| PkiError::File {
            file: file.to_owned(),
            error,
        })
    }

    fn authorities(&self) -> Result<RootCertStore, PkiError> {
        let mut authorities = RootCertStore::empty();
        for certificate in certificates(&self.ca_certificate)? {
            authorities.add(certificate)?;
        }
        Ok(authorities)
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
        verify_server_cert_signed_by_trust_anchor(
            &ParsedCertificate::try_from(end_entity)?,
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
