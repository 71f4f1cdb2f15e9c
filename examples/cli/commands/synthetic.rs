//! Sentences for made-up notes, in English and French.
//!
//! A note depends on the seed and its number alone, so that a longer run begins with the same notes as a
//! short one.

use rekall::NewEntry;
use serde_json::json;

/// The note with this number.
pub(super) fn note(seed: u64, number: u64) -> NewEntry {
    let mut random = Random::new(seed, number);
    // Two in five in French: enough of both for either to be searched.
    let (lang, voice) = if random.below(5) < 2 { ("fr", &FRENCH) } else { ("en", &ENGLISH) };
    let (kind, title, content) = *random.one_of(&voice.forms);
    let facts = Facts::of(voice, &mut random);
    let mut entry = NewEntry::new(facts.fill(title))
        .content(facts.fill(content))
        .kind(kind)
        .project(*random.one_of(&PROJECTS))
        .tags([facts.component.1, facts.cause.1])
        .confidence(u8::try_from(1 + random.below(5)).unwrap_or(2))
        .metadata("generated", json!({ "seed": seed, "number": number, "lang": lang }));
    entry.tags.dedup();
    entry
}

/// What one note is about; its sentences agree on it.
struct Facts {
    component: (&'static str, &'static str),
    symptom: &'static str,
    moment: &'static str,
    cause: (&'static str, &'static str),
    remedy: &'static str,
    outcome: String,
    tool: &'static str,
    other: &'static str,
    host: String,
    number: String,
}

impl Facts {
    fn of(voice: &Voice, random: &mut Random) -> Self {
        let (component, symptom) = (*random.one_of(&voice.components), *random.one_of(&voice.symptoms));
        let (moment, cause) = (*random.one_of(&voice.moments), *random.one_of(&voice.causes));
        let (remedy, outcome) = (*random.one_of(&voice.remedies), *random.one_of(&voice.outcomes));
        let number = (2 + random.below(400)).to_string();
        let tool = random.below(TOOLS.len());
        let other = (tool + 1 + random.below(TOOLS.len() - 1)) % TOOLS.len();
        Self {
            component,
            symptom,
            moment,
            cause,
            remedy,
            outcome: outcome.replace("{n}", &number),
            tool: TOOLS[tool],
            other: TOOLS[other],
            host: format!("{}-{:02}", random.one_of(&HOSTS), 1 + random.below(40)),
            number,
        }
    }

    /// Puts the facts into a template: `{symptom}` as it is, `{^symptom}` with a capital letter.
    fn fill(&self, template: &str) -> String {
        let mut text = String::with_capacity(template.len() * 2);
        for (at, part) in template.split(['{', '}']).enumerate() {
            if at % 2 == 0 {
                text.push_str(part);
                continue;
            }
            let value = self.named(part.trim_start_matches('^'));
            let mut letters = value.chars();
            match letters.next().filter(|_| part.starts_with('^')) {
                Some(first) => text.extend(first.to_uppercase().chain(letters)),
                None => text.push_str(value),
            }
        }
        text
    }

    fn named(&self, name: &str) -> &str {
        match name {
            "component" => self.component.0,
            "symptom" => self.symptom,
            "moment" => self.moment,
            "cause" => self.cause.0,
            "remedy" => self.remedy,
            "outcome" => &self.outcome,
            "tool" => self.tool,
            "other" => self.other,
            "host" => &self.host,
            _ => &self.number,
        }
    }
}

/// The words of one language. Components and causes come with the tag that goes with them.
struct Voice {
    components: [(&'static str, &'static str); 16],
    symptoms: [&'static str; 16],
    moments: [&'static str; 12],
    causes: [(&'static str, &'static str); 16],
    remedies: [&'static str; 16],
    outcomes: [&'static str; 6],
    /// Kind, title and content.
    forms: [(&'static str, &'static str, &'static str); 6],
}

const PROJECTS: [&str; 8] =
    ["harbour", "orchard", "lanterne", "moulin", "quarry", "sextant", "tisserand", "windmill"];
#[rustfmt::skip]
const TOOLS: [&str; 12] = [
    "PostgreSQL", "SQLite", "Redis", "Kafka", "RabbitMQ", "nginx", "Envoy", "Prometheus", "Kubernetes", "Nomad",
    "S3", "Elasticsearch",
];
const HOSTS: [&str; 8] = ["web", "api", "db", "queue", "cache", "edge", "batch", "build"];

// Tables of words are read line by line, not word by word.
#[rustfmt::skip]
const ENGLISH: Voice = Voice {
    components: [
        ("the payment worker", "payments"), ("the image cache", "images"), ("the login page", "login"),
        ("the search service", "search"), ("the nightly export", "export"), ("the mobile app", "mobile"),
        ("the invoice printer", "invoices"), ("the message queue", "queue"), ("the backup job", "backup"),
        ("the map view", "maps"), ("the mail gateway", "mail"), ("the stock counter", "stock"),
        ("the video player", "video"), ("the sensor bridge", "sensors"), ("the build server", "ci"),
        ("the address form", "forms"),
    ],
    symptoms: [
        "stops answering", "returns stale data", "loses every tenth message", "uses all of its memory",
        "refuses new connections", "shows the wrong currency", "writes the same row twice", "hangs on start",
        "drops the last character", "takes minutes instead of seconds", "forgets who is signed in",
        "sorts dates as text", "fails without a message", "fills the disk with logs", "crashes on empty input",
        "asks for the password again and again",
    ],
    moments: [
        "after a deploy", "under heavy load", "on the first of the month", "when the clocks change",
        "on slow networks", "during the nightly backup", "with more than a thousand users", "after a restore",
        "on Windows only", "behind the company proxy", "in private browsing", "when two people save at once",
    ],
    causes: [
        ("the connection pool was exhausted", "pool"), ("a certificate had expired", "tls"),
        ("two clocks were seconds apart", "clock"), ("an index was missing", "index"),
        ("the cache key left out the language", "cache"), ("a retry repeated a call that had succeeded", "retry"),
        ("the file was opened without a lock", "locking"), ("a default changed in the new version", "upgrade"),
        ("the time zone was taken for UTC", "timezone"), ("a thread waited for itself", "deadlock"),
        ("the answer was larger than the buffer", "buffer"), ("a header was stripped on the way", "http"),
        ("numbers were rounded too early", "rounding"), ("a symbolic link pointed nowhere", "files"),
        ("the environment variable was empty", "config"), ("an error was caught and ignored", "errors"),
    ],
    remedies: [
        "raise the limit and watch it", "renew certificates a month ahead", "read the time from one place",
        "add the index and analyse the table", "put the language into the key", "give each call an id and check it",
        "take the lock before reading", "pin the version and read the notes", "store UTC and convert at the edge",
        "split the work into two queues", "stream the answer in pieces", "test with the proxy in between",
        "keep cents as whole numbers", "check paths at start", "refuse to start on an empty setting",
        "log the error with its cause",
    ],
    outcomes: [
        "It has been quiet since", "Answers take {n} ms now", "The alarm rang once more and never again",
        "Support closed {n} tickets", "We wrote a test that fails without it", "The graph is flat again",
    ],
    forms: [
        ("bug", "{^component} {symptom} {moment}",
         "Seen first on {host}: {component} {symptom} {moment}. In the end {cause}. What helped: {remedy}. {outcome}."),
        ("pitfall", "{^component} {symptom} although all tests pass",
         "Beware: {cause}, and nobody notices before {component} {symptom}. It happens {moment}. Better: {remedy}."),
        ("decision", "{tool} instead of {other} for {component}",
         "We compared {tool} and {other} over {n} days. {other} was fine until {cause}. With {tool} we can {remedy}. To be looked at again next year."),
        ("pattern", "{^remedy}, before {component} {symptom}",
         "Works well in three projects: {remedy}. Otherwise, {moment}, {component} {symptom}. Costs about {n} lines and a review."),
        ("config", "Settings of {tool} for {component}",
         "On {host} the limit is {n} and the time-out {n} seconds. With less, {component} {symptom} {moment}. The reason was that {cause}."),
        ("reference", "Where to look when {component} {symptom}",
         "First the dashboard of {tool}, then the log on {host}. Last time {cause}. The page of the on-call team says: {remedy}."),
    ],
};

#[rustfmt::skip]
const FRENCH: Voice = Voice {
    components: [
        ("le service de paiement", "paiement"), ("le cache d'images", "images"),
        ("la page de connexion", "connexion"), ("le moteur de recherche", "recherche"),
        ("l'export de nuit", "export"), ("l'application mobile", "mobile"),
        ("l'impression des factures", "factures"), ("la file de messages", "file"),
        ("la sauvegarde", "sauvegarde"), ("la carte", "cartes"), ("la passerelle de courrier", "courriel"),
        ("le compteur de stock", "stock"), ("le lecteur vidéo", "vidéo"), ("le pont des capteurs", "capteurs"),
        ("le serveur de compilation", "ci"), ("le formulaire d'adresse", "formulaires"),
    ],
    symptoms: [
        "ne répond plus", "rend des données périmées", "perd un message sur dix", "occupe toute la mémoire",
        "refuse les nouvelles connexions", "affiche la mauvaise devise", "écrit deux fois la même ligne",
        "se bloque au démarrage", "coupe le dernier caractère", "prend des minutes au lieu de secondes",
        "oublie qui est connecté", "trie les dates comme du texte", "échoue sans message",
        "remplit le disque de journaux", "plante sur une entrée vide", "redemande sans cesse le mot de passe",
    ],
    moments: [
        "après un déploiement", "sous forte charge", "le premier du mois", "au changement d'heure",
        "sur les réseaux lents", "pendant la sauvegarde de nuit", "au-delà de mille utilisateurs",
        "après une restauration", "sous Windows seulement", "derrière le proxy de l'entreprise",
        "en navigation privée", "quand deux personnes enregistrent en même temps",
    ],
    causes: [
        ("le groupe de connexions était épuisé", "connexions"), ("un certificat avait expiré", "tls"),
        ("deux horloges différaient de quelques secondes", "horloge"), ("il manquait un index", "index"),
        ("la clé du cache oubliait la langue", "cache"), ("une reprise répétait un appel déjà réussi", "reprise"),
        ("le fichier était ouvert sans verrou", "verrou"), ("une valeur par défaut avait changé", "mise-à-jour"),
        ("le fuseau horaire était pris pour UTC", "fuseau"), ("un fil s'attendait lui-même", "interblocage"),
        ("la réponse dépassait le tampon", "tampon"), ("un en-tête se perdait en chemin", "http"),
        ("les nombres étaient arrondis trop tôt", "arrondi"), ("un lien symbolique ne menait nulle part", "fichiers"),
        ("la variable d'environnement était vide", "config"), ("une erreur était avalée en silence", "erreurs"),
    ],
    remedies: [
        "relever la limite et la surveiller", "renouveler les certificats un mois avant",
        "lire l'heure à un seul endroit", "ajouter l'index et analyser la table", "mettre la langue dans la clé",
        "donner un identifiant à chaque appel", "prendre le verrou avant de lire",
        "figer la version et lire les notes", "garder l'heure UTC et convertir à l'affichage",
        "répartir le travail sur deux files", "envoyer la réponse par morceaux", "tester avec le proxy",
        "compter en centimes entiers", "vérifier les chemins au démarrage",
        "refuser de démarrer sans ce réglage", "consigner l'erreur avec sa cause",
    ],
    outcomes: [
        "Plus rien depuis", "La réponse prend {n} ms maintenant", "L'alarme a sonné encore une fois, puis plus",
        "L'assistance a fermé {n} demandes", "Un test échoue désormais sans cela", "La courbe est de nouveau plate",
    ],
    forms: [
        ("bug", "{^component} {symptom} {moment}",
         "Vu d'abord sur {host} : {component} {symptom} {moment}. En fait, {cause}. Le remède : {remedy}. {outcome}."),
        ("pitfall", "{^component} {symptom} alors que tous les tests passent",
         "Attention : {cause}, et personne ne le voit avant que {component} {symptom}. Cela arrive {moment}. Mieux vaut {remedy}."),
        ("decision", "{tool} plutôt que {other} pour {component}",
         "Nous avons comparé {tool} et {other} pendant {n} jours. {other} allait bien, jusqu'au jour où {cause}. Avec {tool}, on peut {remedy}. À revoir l'an prochain."),
        ("pattern", "{^remedy}, avant que {component} {symptom}",
         "Éprouvé dans trois projets : {remedy}. Sinon, {moment}, {component} {symptom}. Coûte environ {n} lignes et une relecture."),
        ("config", "Réglages de {tool} pour {component}",
         "Sur {host}, la limite est de {n} et le délai de {n} secondes. Avec moins, {component} {symptom} {moment}. La raison : {cause}."),
        ("reference", "Où regarder quand {component} {symptom}",
         "D'abord le tableau de bord de {tool}, puis le journal de {host}. La dernière fois, {cause}. La page d'astreinte dit : {remedy}."),
    ],
};

/// SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014): small,
/// and the same on every machine.
struct Random(u64);

impl Random {
    fn new(seed: u64, number: u64) -> Self {
        let mut random = Self(seed);
        random.0 = random.next() ^ number;
        random
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        // The remainder's bias is far below what anybody could see in bounds of hundreds.
        usize::try_from(self.next() % bound as u64).unwrap_or_default()
    }

    fn one_of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }
}
