# The run script of graphql-hive/federation-gateway-audit, see bench/README.md. $1: the group of tests.
here=$(dirname "$0")
exec "$here/../../node_modules/.bin/node" "$here/gateway.ts" --port 4477 "http://localhost:4200/$1/supergraph"
