//! [`NatsConnection`].

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use async_nats::{
    ConnectErrorKind, ConnectOptions,
    jetstream::{self, Context},
};
use mlops_core::{Error, Result, inference::ModelDescriptor};

use super::{
    error::{stream_of, unavailable},
    sink::NatsSink,
    source::{NatsSource, NatsSourceOptions},
};

/// Where the servers are, and who asks.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct NatsOptions {
    /// Servers of one cluster, for instance `nats://localhost:4222`, or `tls://…`.
    pub servers: Vec<String>,
    /// Who asks.
    pub auth: NatsAuth,
    /// Certificates to trust beside those of the system, as a PEM file.
    pub root_certificates: Option<PathBuf>,
    /// What the server calls this connection.
    pub name: Option<String>,
    /// How long connecting, or the server's answer to one message, may take.
    pub timeout: Duration,
}

/// Who asks.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum NatsAuth {
    /// Nobody in particular.
    #[default]
    None,
    /// A token.
    Token(String),
    /// A user.
    User {
        /// Who.
        name: String,
        /// The password.
        password: String,
    },
    /// The content of a `.creds` file.
    Credentials(String),
}

impl NatsOptions {
    /// One server, nobody in particular, five seconds.
    pub fn new(server: impl Into<String>) -> Self {
        Self {
            servers: vec![server.into()],
            auth: NatsAuth::None,
            root_certificates: None,
            name: None,
            timeout: Duration::from_secs(5),
        }
    }

    /// Sets who asks.
    #[must_use]
    pub fn with_auth(mut self, auth: NatsAuth) -> Self {
        self.auth = auth;
        self
    }

    /// Adds certificates to trust, as a PEM file.
    #[must_use]
    pub fn with_root_certificates(mut self, path: impl Into<PathBuf>) -> Self {
        self.root_certificates = Some(path.into());
        self
    }

    /// Sets what the server calls this connection.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets how long connecting, or the server's answer to one message, may take.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

/// A connection to a cluster, for any number of sources and sinks. It connects anew by itself.
///
/// Its task on the caller's runtime ends with the last clone, source and sink.
#[derive(Clone)]
pub struct NatsConnection {
    context: Context,
    servers: Arc<str>,
}

impl NatsConnection {
    /// Connects.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for addresses, certificates or credentials that cannot be read,
    /// [`Error::Refused`] if the server does not let this user in, [`Error::Unavailable`] if there is no
    /// server.
    ///
    /// # Cancel safety
    /// Nothing stays behind.
    pub async fn connect(options: &NatsOptions) -> Result<Self> {
        let NatsOptions { servers, auth, root_certificates, name, timeout } = options;
        let mut connect =
            ConnectOptions::new().connection_timeout(*timeout).request_timeout(Some(*timeout));
        connect = match auth {
            NatsAuth::None => connect,
            NatsAuth::Token(token) => connect.token(token.clone()),
            NatsAuth::User { name, password } => {
                connect.user_and_password(name.clone(), password.clone())
            }
            NatsAuth::Credentials(text) => connect
                .credentials(text)
                .map_err(|error| Error::invalid("NATS credentials", error))?,
        };
        if let Some(path) = root_certificates {
            connect = connect.add_root_certificates(path.clone());
        }
        if let Some(name) = name {
            connect = connect.name(name);
        }
        let listed = servers.join(", ");
        let client = connect.connect(servers).await.map_err(|error| {
            let reason = format!("{listed}: {error}");
            match error.kind() {
                ConnectErrorKind::ServerParse => Error::invalid("NATS servers", reason),
                ConnectErrorKind::Tls => Error::invalid("NATS certificates", reason),
                ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
                    Error::Refused { what: "connecting to NATS", reasons: [reason.into()].into() }
                }
                _ => unavailable(reason),
            }
        })?;
        let mut context = jetstream::new(client);
        context.set_timeout(*timeout);
        Ok(Self { context, servers: listed.into() })
    }

    /// The requests for `model` that a consumer of a stream delivers. The consumer is made if there is
    /// none of the name; the stream, and one that takes dead letters, must be there.
    ///
    /// # Errors
    /// [`Error::NotFound`] if a stream is missing, [`Error::InvalidArgument`] for names and settings that
    /// the server does not take, [`Error::Unavailable`] if it does not answer.
    ///
    /// # Cancel safety
    /// The consumer may have been made; opening it again finds it.
    pub async fn source(
        &self,
        options: &NatsSourceOptions,
        model: &ModelDescriptor,
    ) -> Result<NatsSource> {
        NatsSource::open(&self.context, options, model).await
    }

    /// Answers as messages of this subject. A stream must take it.
    ///
    /// # Errors
    /// [`Error::NotFound`] if none does, [`Error::Unavailable`] if the server does not answer.
    ///
    /// # Cancel safety
    /// Nothing is changed.
    pub async fn sink(&self, subject: impl Into<String> + Send) -> Result<NatsSink> {
        let subject = subject.into();
        check_kept(&self.context, &subject).await?;
        Ok(NatsSink::new(self.context.clone(), subject))
    }
}

/// Checks that a stream takes messages of this subject.
pub(super) async fn check_kept(context: &Context, subject: &str) -> Result<()> {
    let stream = context.stream_by_subject(subject).await;
    stream.map(drop).map_err(|error| stream_of(subject, error))
}

impl fmt::Debug for NatsConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsConnection").field("servers", &self.servers).finish_non_exhaustive()
    }
}

impl fmt::Debug for NatsAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Token(_) => "Token(…)",
            Self::User { .. } => "User { … }",
            Self::Credentials(_) => "Credentials(…)",
        })
    }
}
