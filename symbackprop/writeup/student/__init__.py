"""What a student may see: `redact` takes the answers out of an outline, `leaks` looks at every finished file for one."""
