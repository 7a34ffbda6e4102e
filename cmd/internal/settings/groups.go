package settings

const (
	natsGroup = "NATS"
	gitGroup  = "Git and storage"
)

// natsSchemes are those that the NATS client understands.
func natsSchemes() []string { return []string{"nats", "tls", "ws", "wss"} }

// natsURL names one server. The client learns of the others from it, and a
// headless service's name stands for all of them.
func natsURL() []Setting {
	return []Setting{
		{Name: NATSURL, Group: natsGroup, Kind: URL, Schemes: natsSchemes(), Default: "nats://127.0.0.1:4222", Required: true, Usage: "address of the NATS server; a cluster's other servers are learned from it"},
	}
}

// embeddedNATS has no default, since an address is what turns the server inside
// the process off.
func embeddedNATS() []Setting {
	return []Setting{
		{Name: NATSURL, Group: natsGroup, Kind: URL, Schemes: natsSchemes(), Usage: "address of the NATS server; without it, a server runs inside the process"},
	}
}

// natsAccess covers the ways of logging in that a NATS server can be set up for.
// The credentials file is a path and no secret: the client reads it again itself
// whenever it connects.
func natsAccess() []Setting {
	return []Setting{
		{Name: NATSCredentialsFile, Group: natsGroup, Kind: Path, Usage: "credentials file with a user's JWT and seed"},
		{Name: NATSUser, Group: natsGroup, Usage: "user to log in as"},
		{Name: NATSPassword, Group: natsGroup, Kind: Secret, Usage: "password of the NATS user"},
		{Name: NATSToken, Group: natsGroup, Kind: Secret, Usage: "token to log in to NATS with"},
		{Name: NATSCAFile, Group: natsGroup, Kind: Path, Usage: "PEM certificates to trust beside the system's, for NATS"},
		{Name: NATSCertFile, Group: natsGroup, Kind: Path, Usage: "PEM certificate to show to the NATS server"},
		{Name: NATSKeyFile, Group: natsGroup, Kind: Path, Usage: "private key of that certificate"},
	}
}

// natsRules leave no login to chance: the client would take one of several by an
// order of its own.
func natsRules() []Rule {
	const oneWay = "there is one way to log in to a NATS server"
	const pair = "a certificate is of use only with its key"
	return []Rule{
		{If: []string{NATSCredentialsFile}, Excludes: []string{NATSUser, NATSPassword, NATSToken}, Because: oneWay},
		{If: []string{NATSToken}, Excludes: []string{NATSUser, NATSPassword}, Because: oneWay},
		{If: []string{NATSUser}, Needs: []string{NATSPassword}, Because: "a NATS user logs in with a password"},
		{If: []string{NATSPassword}, Needs: []string{NATSUser}, Because: "a password is that of a user"},
		{If: []string{NATSCertFile}, Needs: []string{NATSKeyFile}, Because: pair},
		{If: []string{NATSKeyFile}, Needs: []string{NATSCertFile}, Because: pair},
	}
}

// embeddedNATSRules catch the address that was forgotten: its credentials
// would be ignored without a word.
func embeddedNATSRules() []Rule {
	var access []string
	for _, s := range natsAccess() {
		access = append(access, s.Name)
	}
	return []Rule{{If: access, Needs: []string{NATSURL}, Because: "the server inside the process is reached without any of them"}}
}

// git names an author that cannot be taken for a person. Its address has no
// domain, so that GitLab never links the commits to somebody's account.
func git() []Setting {
	return []Setting{
		{Name: GitSSHKey, Group: gitGroup, Kind: Secret, Usage: "private key to fetch and push with over SSH; without it, HTTPS and the GitLab token are used"},
		{Name: GitSSHHost, Group: gitGroup, Usage: "host, or host:port, where GitLab serves Git over SSH, if it is not that of gitlab-url and port 22"},
		{Name: GitKnownHostsFile, Group: gitGroup, Kind: Path, Usage: "known_hosts file with GitLab's host keys"},
		{Name: GitUserName, Group: gitGroup, Default: "Sluice", Required: true, Usage: "author of the commits"},
		{Name: GitUserEmail, Group: gitGroup, Default: "sluice@localhost", Required: true, Usage: "address of the commits' author"},
	}
}

// gitRules demand the host keys, as there is nobody at the terminal to be asked
// whether to trust one.
func gitRules() []Rule {
	return []Rule{
		{If: []string{GitSSHHost}, Needs: []string{GitSSHKey}, Because: "without a key Git goes over HTTPS"},
		{If: []string{GitSSHKey}, Needs: []string{GitKnownHostsFile}, Because: "a server whose host key nobody knows could be anyone's"},
	}
}
