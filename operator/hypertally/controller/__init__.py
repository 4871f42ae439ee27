"""The controller: keeps every ComputeNode's ledger, and says of Instances and Migrations what became of them."""
