"""Programs of several runs become one network: axes → sizes → merged forms → formulas → network."""
