/**
 * A mistake in a configuration file, a mapping or a setting. The message says where it stands (file
 * and line, variable or flag), what is wrong and what is allowed.
 */
export class ConfigError extends Error {
  override name = 'ConfigError'
}
