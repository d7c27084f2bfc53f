package web

import (
	"net/http"

	"peers/internal/knob"
)

// Misbehaving puts the knobs that hold for every answer of the old versions in front of a page.
func Misbehaving(now func() knob.Set, page http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		knobs := now()
		switch {
		case knobs.HangStatus:
			<-r.Context().Done()
		case knobs.HTTPError:
			http.Error(w, "Internal Server Error", http.StatusInternalServerError)
		case knobs.EmptyReply:
			panic(http.ErrAbortHandler)
		case knobs.NullBody:
			w.Write([]byte("null\n"))
		default:
			page(w, r)
		}
	}
}
