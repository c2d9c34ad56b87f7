"""Who answers a query: in this process, or in another. `ask(query)` in, a result out."""
