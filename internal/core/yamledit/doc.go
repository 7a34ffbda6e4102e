// Package yamledit changes scalars in YAML texts byte for byte.
package yamledit
