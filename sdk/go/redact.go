package placet

import "fmt"

// Format prints the name only, so that no log shows a password.
func (s PasswordSection) Format(state fmt.State, _ rune) {
	fmt.Fprintf(state, "{Username:%q}", s.Username)
}
