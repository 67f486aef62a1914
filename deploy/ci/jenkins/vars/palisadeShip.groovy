// A step of a Jenkins shared library: palisadeShip image: 'registry.example.com/team/app:1', failOn: 'high'
// It catalogues, scans, gates, attests, signs, logs and verifies, and keeps the summary with the build.
def call(Map settings = [:]) {
    if (!settings.image) {
        error 'palisadeShip: give image: the name of an image on its registry'
    }
    def command = ['palisade', 'ship', settings.image, '--output', 'json', '--yes']
    if (settings.failOn) { command += ['--fail-on', settings.failOn] }
    if (settings.workflow) { command += ['--workflow', settings.workflow] }
    if (settings.signingConfig) { command += ['--signing-config', settings.signingConfig] }
    if (settings.trustedRoot) { command += ['--trusted-root', settings.trustedRoot] }
    if (settings.key) { command += ['--key', settings.key] }
    def quoted = command.collect { "'" + it.toString().replace("'", "'\\''") + "'" }.join(' ')
    try {
        sh label: "palisade ship ${settings.image}", script: "${quoted} > palisade-ship.json"
    } finally {
        archiveArtifacts artifacts: 'palisade-ship.json', allowEmptyArchive: true, fingerprint: true
    }
}
