/**
 * The path of GraphQL over HTTP and WebSocket, at the gateway and at subgraphs that run as
 * services.
 */
export const GRAPHQL_PATH = '/graphql'
/** The path of the Model Context Protocol, at the gateway. */
export const MCP_PATH = '/mcp'
