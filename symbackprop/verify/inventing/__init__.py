"""Arguments for code that comes without any, as its own failures say them.

`adapted` (values with which code fails → values with which it runs): what numpy says of sizes and axes says what to change.
"""
