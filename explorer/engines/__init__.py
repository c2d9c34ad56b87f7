"""Who answers a query: `ask(query)` in, a result out. `local` does in this process."""
