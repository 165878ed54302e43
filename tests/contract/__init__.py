"""The public API as promised (`contract.graphql`) against the one that is built (`schema.graphql`)."""
