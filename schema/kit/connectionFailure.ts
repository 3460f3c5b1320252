/** Codes of OpenSSL and of Node about certificates. */
const CERTIFICATE =
  /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|HOSTNAME_MISMATCH|INVALID_(CA|PURPOSE)|PATH_LENGTH/

/**
 * Returns why a connection failed. If several addresses were tried, they fail together, each with a
 * message of its own.
 */
export function connectionFailure(e: NodeJS.ErrnoException): string {
  if (e instanceof AggregateError) return e.errors.map((one) => connectionFailure(one)).join('; ')
  if (isCertificateFailure(e)) return `the certificate is not accepted: ${e.message} (${e.code})`
  return e.code && !e.message.includes(e.code) ? `${e.code}: ${e.message}` : e.message
}

/** Whether a certificate was refused: another attempt fails too. */
export function isCertificateFailure(e: NodeJS.ErrnoException): boolean {
  return e.code !== undefined && CERTIFICATE.test(e.code)
}
