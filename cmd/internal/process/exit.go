package process

import "fmt"

// Exit is an error that ends a program with a code of the command's own
// choice, whatever the kind of error. Err is said on stderr; where it is nil
// nothing went wrong and the code alone is the answer.
type Exit struct {
	Code int
	Err  error
}

// Error is the message of Err, or the code for whoever reads it elsewhere.
func (e *Exit) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("exit code %d", e.Code)
	}
	return e.Err.Error()
}

// Unwrap gives the cause to errors.Is and errors.As.
func (e *Exit) Unwrap() error { return e.Err }
