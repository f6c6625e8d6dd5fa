import ArgumentParser

struct JobCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "job",
        abstract:
            "Moves, exemptions, enrolments, grants or a supplier switch in bulk: foresee, send, account for each line.",
        discussion: """
            First plan, then run, then report and verify. The job file is YAML of a simple kind (name: value, mappings \
            by indentation, comments), or one JSON object:
              job         id, up to 64 of a-z, 0-9 and -; another input needs another id
              source      ce_source, such as urn:dk:cvr:99000007:register-example
              kind        moves, exemptions, enrolment, grants or supplier-switch
              input       the file; relative to the job file
              format      csv (default) or jsonl: one JSON object a line
              encoding    utf-8 (default) or iso-8859-1
              delimiter   of CSV, one character (default ;)
              header      whether CSV begins with the columns' names (default true)
              columns     field: the column's name, or its number from 1
              defaults    field: value, where there is no column or nothing in it
              privileges  another system's name: the package, for what stands in packages
                          or package

            Fields, by kind:
              moves            type (relocate, emigrate, immigrate), citizen, from, to,
                               effective, registeredAt
              exemptions       type (register, lift), citizen, municipality, form, journal,
                               caseworker, requestedBy, appearedInPerson, departure,
                               validUntil, by
              enrolment        citizen, reason
              grants           grantor, representative, packages (with commas), validFrom,
                               validUntil, channel, journal, caseworker, identification,
                               possibilities, consequences, citizenPresent, decidedOn
              supplier-switch  municipality, oldItSystem, newItSystem, from (first day of
                               the new one), package (none: all that the old one offers
                               there), replaced (yes: the old one is given up altogether,
                               at once)

            Dates: yyyy-mm-dd, dd-mm-yyyy, ddmmyyyy. Municipalities: three or four digits. A quoted field may hold no \
            line end.

            A job file:
              job: moves-2026
              source: urn:dk:cvr:99000007:register-example
              kind: moves
              input: moves.csv
              columns:
                citizen: Personnummer
                to: Kommune
                effective: Tilflytning

            Examples:
              fuldmagt job plan moves.yaml --data fuldmagt-data
              fuldmagt job run moves.yaml --rate 500
              fuldmagt job status moves.yaml
              fuldmagt job report moves.yaml
            """,
        subcommands: [
            JobPlanCommand.self, JobRunCommand.self, JobResumeCommand.self, JobStatusCommand.self,
            JobCancelCommand.self, JobReportCommand.self, JobVerifyCommand.self, JobUndoCommand.self,
        ],
        defaultSubcommand: JobPlanCommand.self)
}
