package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluice-gitops/sluice/cmd/internal/process"
	"github.com/sluice-gitops/sluice/cmd/internal/settings"
	"github.com/sluice-gitops/sluice/internal/adapter/bus"
	"github.com/sluice-gitops/sluice/internal/adapter/bus/embed"
	"github.com/sluice-gitops/sluice/internal/core"
)

// maxLetters bounds what is listed: more than anybody reads.
const maxLetters = 1000

// cemetery is what "sluice dead-letters" is asked to do.
type cemetery struct {
	env          process.Env
	replay, drop []uint
	all, json    bool
}

func deadLetters(env process.Env) *cobra.Command {
	a := cemetery{env: env}
	c := process.Command(env, settings.DeadLetters(), &cobra.Command{
		Use:   "dead-letters",
		Short: "List what was given up, and have it tried again",
		Long: `Lists the messages that Sluice gave up, with the reason: calls to Flux Receivers
that need a person to change a configuration, and what could not be read. They
are kept for 30 days, the newest ten of each kind and cluster.

  sluice dead-letters                  lists them
  sluice dead-letters --replay 12,13   has these tried again
  sluice dead-letters --replay-all     has all of them tried again
  sluice dead-letters --drop 12        forgets one

With --nats-url it looks into that NATS. Without, it looks into the one inside
"sluice serve" that runs on this machine with the same --data-dir.`,
	}, a.run)
	c.Flags().UintSliceVar(&a.replay, "replay", nil, "numbers of those that are to be tried again")
	c.Flags().BoolVar(&a.all, "replay-all", false, "have all that are listed tried again")
	c.Flags().UintSliceVar(&a.drop, "drop", nil, "numbers of those that are to be forgotten")
	c.Flags().BoolVar(&a.json, "json", false, "list them as JSON, one a line")
	return c
}

func (a *cemetery) run(ctx context.Context, v settings.Values) error {
	b, err := a.connect(ctx, v)
	if err != nil {
		return err
	}
	defer b.Close()
	if a.all {
		letters, err := b.DeadLetters(ctx, maxLetters)
		if err != nil {
			return err
		}
		for _, l := range letters {
			a.replay = append(a.replay, uint(l.Sequence))
		}
	}
	for _, n := range a.replay {
		if err := b.Replay(ctx, uint64(n)); err != nil {
			return err
		}
		fmt.Fprintf(a.env.Stdout, "%d is tried again\n", n)
	}
	for _, n := range a.drop {
		if err := b.Drop(ctx, uint64(n)); err != nil {
			return err
		}
		fmt.Fprintf(a.env.Stdout, "%d is forgotten\n", n)
	}
	if a.all || len(a.replay)+len(a.drop) > 0 {
		return nil
	}
	letters, err := b.DeadLetters(ctx, maxLetters)
	if err != nil {
		return err
	}
	return a.list(letters)
}

func (a *cemetery) connect(ctx context.Context, v settings.Values) (*bus.Bus, error) {
	logger := slog.New(slog.DiscardHandler) // what goes wrong is returned
	if v.Given(settings.NATSURL) {
		return process.Connect(ctx, v, "sluice dead-letters", logger)
	}
	visitor := embed.Visitor{Dir: filepath.Join(v.Path(settings.DataDir), "nats")}
	probe, err := visitor.InProcessConn() // the client library would try for ever
	if err != nil {
		return nil, err
	}
	_ = probe.Close()
	return bus.Connect(ctx, bus.Config{InProcess: visitor, Name: "sluice dead-letters", Logger: logger})
}

func (a *cemetery) list(letters []bus.DeadLetter) error {
	if a.json {
		return listJSON(a.env.Stdout, letters)
	}
	if len(letters) == 0 {
		fmt.Fprintln(a.env.Stdout, "nothing has been given up")
	}
	for _, l := range letters {
		fmt.Fprintf(a.env.Stdout, "%d  %s  %s  tried %d times\n    %s\n", l.Sequence, l.At.UTC().Format(time.DateTime+" UTC"), strings.TrimPrefix(l.Subject, "sluice.v1."), l.Attempts, l.Reason)
	}
	return nil
}

// letter is the JSON of a dead letter.
type letter struct {
	Number   uint64          `json:"number"`
	At       time.Time       `json:"at"`
	Subject  string          `json:"subject"`
	Attempts uint64          `json:"attempts"`
	Reason   string          `json:"reason"`
	Message  json.RawMessage `json:"message,omitempty"` // absent where it is not JSON
}

func listJSON(w io.Writer, letters []bus.DeadLetter) error {
	out := json.NewEncoder(w)
	for _, l := range letters {
		row := letter{Number: l.Sequence, At: l.At, Subject: l.Subject, Attempts: l.Attempts, Reason: l.Reason}
		if json.Valid(l.Body) {
			row.Message = l.Body
		}
		if err := out.Encode(row); err != nil {
			return core.Errorf(core.Internal, "list dead letters: %w", err)
		}
	}
	return nil
}
