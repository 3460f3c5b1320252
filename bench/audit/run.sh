# The run script of graphql-hive/federation-gateway-audit, see bench/README.md. $1: the group of tests.
exec node "$(dirname "$0")/gateway.ts" --port 4477 "http://localhost:4200/$1/supergraph"
