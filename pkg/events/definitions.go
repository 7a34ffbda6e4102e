package events

import "time"

// Definitions is everything that must exist on a NATS server before the
// services can work. Streams keep messages under limits (never as work queues:
// after a restart a work queue has forgotten the ids of acknowledged messages
// and would take duplicates), in files.
type Definitions struct {
	Streams []Stream
	Buckets []Bucket
}

// Stream is a JetStream stream as plain data.
//
// A full stream drops its oldest messages. The other choice, to refuse new
// ones, would have the receiver answer 503 until the oldest message ages out:
// GitLab does not repeat a refused delivery, but counts it and finally
// disables the hook, and Flux gives up after a minute. What is dropped
// instead was due to be read days ago, and the promoter sweeps when it starts.
type Stream struct {
	Name        string
	Description string
	Subjects    []string
	MaxAge      time.Duration
	MaxBytes    int64
	MaxMessage  int32         // bytes of one message, headers included
	Duplicates  time.Duration // how long a message id is remembered; at most MaxAge
	PerSubject  int64         // how many messages of one subject are kept, the newest; 0 means all
	Replicas    int
}

// Bucket is a JetStream key-value bucket as plain data. It keeps one value per
// key, without an end in time.
type Bucket struct {
	Name        string
	Description string
	MaxBytes    int64
	MaxValue    int32 // bytes of one value
	Replicas    int
}

// The names of the streams and buckets.
const (
	StreamHints    = "SLUICE_HINTS"
	StreamReports  = "SLUICE_REPORTS"
	StreamTriggers = "SLUICE_TRIGGERS"
	StreamDead     = "SLUICE_DEAD_LETTERS"
	BucketReports  = "sluice-reports"
	BucketTriggers = "sluice-triggers"
	// BucketAPIServers and BucketStatuses hold what BucketReports holds, of other
	// witnesses: what one says is never taken for the word of another.
	BucketAPIServers = "sluice-reports-apiserver"
	BucketStatuses   = "sluice-reports-statuses"
)

const (
	// keep is how long messages can be looked at and replayed.
	keep = 7 * 24 * time.Hour
	// duplicates outlives every automatic repetition: Flux repeats for a
	// minute, and GitLab's job queue re-runs a delivery within minutes.
	// Longer would only cost memory, because readers bear copies anyway.
	duplicates = time.Hour
	// streamBytes holds a week of one message each two seconds at 1 KiB.
	streamBytes = 256 << 20
	bucketBytes = 64 << 20
	// keepTriggers is how long a cluster that is away is called for one commit.
	keepTriggers = 24 * time.Hour
	// keepDead is how long people have to look at what was given up.
	keepDead = 30 * 24 * time.Hour
	// deadPerSubject keeps one sender that is wrong all the time from pushing out
	// what others lost.
	deadPerSubject = 10
	// smallBytes is for streams that hold a message or two of each cluster.
	smallBytes = 64 << 20
	// valueBytes is generous for a fold of one object, which holds states and
	// no history.
	valueBytes = 64 << 10
	// messageBytes leaves room for the headers beside the largest body.
	messageBytes = MaxBody + 16<<10
)

// Default returns the definitions for a server or a cluster that keeps the
// given number of copies of everything: 1, 3 or 5.
func Default(replicas int) Definitions {
	return Definitions{
		Streams: []Stream{
			{
				Name: StreamHints, Description: "where to look in GitLab", Subjects: []string{AllHints},
				MaxAge: keep, MaxBytes: streamBytes, MaxMessage: messageBytes, Duplicates: duplicates, Replicas: replicas,
			},
			{
				Name: StreamReports, Description: "what Flux said", Subjects: []string{AllReports},
				MaxAge: keep, MaxBytes: streamBytes, MaxMessage: messageBytes, Duplicates: duplicates, Replicas: replicas,
			},
			{
				Name: StreamTriggers, Description: "calls to the clusters' Flux Receivers that are to be made", Subjects: []string{AllTriggers},
				MaxAge: keepTriggers, MaxBytes: smallBytes, MaxMessage: messageBytes, Duplicates: duplicates, PerSubject: 1, Replicas: replicas,
			},
			{
				Name: StreamDead, Description: "what was given up, for people to look at and to replay", Subjects: []string{AllDeadLetters},
				MaxAge: keepDead, MaxBytes: smallBytes, MaxMessage: messageBytes, Duplicates: duplicates, PerSubject: deadPerSubject, Replicas: replicas,
			},
		},
		Buckets: []Bucket{
			{
				Name: BucketReports, Description: "the newest state of each Flux object, per cluster",
				MaxBytes: bucketBytes, MaxValue: valueBytes, Replicas: replicas,
			},
			{
				Name: BucketTriggers, Description: "the last call to each cluster's Flux Receiver",
				MaxBytes: bucketBytes, MaxValue: valueBytes, Replicas: replicas,
			},
			{
				Name: BucketAPIServers, Description: "the newest state of each Flux object that was read from its API server",
				MaxBytes: bucketBytes, MaxValue: valueBytes, Replicas: replicas,
			},
			{
				Name: BucketStatuses, Description: "the newest state of each Flux object, by GitLab's commit statuses",
				MaxBytes: bucketBytes, MaxValue: valueBytes, Replicas: replicas,
			},
		},
	}
}
