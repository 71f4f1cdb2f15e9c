//! A phrase copied out of a note finds that note first, in any script.
//!
//! Six words, or eight characters where words are not apart. All sentences were written for this test.

#![cfg(feature = "bundled-model")]

use crate::common::{memory_of, titles};
use rekall::Mode;

/// A language and notes in it.
type Notes = (&'static str, [&'static str; 6]);

const APART: [Notes; 9] = [
    (
        "German",
        [
            "Der Bäcker an der Ecke schließt im Sommer schon um fünf Uhr nachmittags.",
            "Die Sicherung der Datenbank läuft jede Nacht und braucht ungefähr vierzig Minuten.",
            "Unser Zug nach Dresden hatte wegen eines umgestürzten Baumes zwei Stunden Verspätung.",
            "Für den Kuchen braucht man drei Eier, etwas Mehl und sehr viel Geduld.",
            "Wer den Schlüssel des Kellers verliert, muss das Schloss auf eigene Kosten ersetzen.",
            "Im Herbst ziehen die Kraniche über das Dorf und rasten auf den feuchten Wiesen.",
        ],
    ),
    (
        "French",
        [
            "Le boulanger du coin ferme dès cinq heures pendant tout le mois de juillet.",
            "La sauvegarde de la base tourne chaque nuit et dure à peu près quarante minutes.",
            "Notre train pour Lyon a eu deux heures de retard à cause d'un arbre tombé.",
            "Pour ce gâteau il faut trois œufs, un peu de farine et beaucoup de patience.",
            "Celui qui perd la clé de la cave doit remplacer la serrure à ses frais.",
            "En automne les grues passent au-dessus du village et se posent dans les prés humides.",
        ],
    ),
    (
        "Turkish",
        [
            "Köşedeki fırın yaz boyunca akşamüstü saat beşte kapanıyor ve pazar günleri hiç açılmıyor.",
            "Veritabanının yedeği her gece alınıyor ve bu iş yaklaşık kırk dakika sürüyor.",
            "İzmir treni devrilen bir ağaç yüzünden istasyona tam iki saat geç geldi.",
            "Bu kek için üç yumurta, biraz un ve çok fazla sabır gerekiyor.",
            "Bodrumun anahtarını kaybeden kişi kilidi kendi parasıyla değiştirmek zorunda kalır.",
            "Sonbaharda turnalar köyün üzerinden geçer ve ıslak çayırlarda birkaç gün dinlenir.",
        ],
    ),
    (
        "Vietnamese",
        [
            "Tiệm bánh ở góc phố đóng cửa lúc năm giờ chiều trong suốt mùa hè.",
            "Bản sao lưu của cơ sở dữ liệu chạy mỗi đêm và mất khoảng bốn mươi phút.",
            "Chuyến tàu đi Huế đến muộn hai tiếng vì một cái cây đổ ngang đường ray.",
            "Muốn làm chiếc bánh này cần ba quả trứng, một ít bột và rất nhiều kiên nhẫn.",
            "Ai làm mất chìa khóa tầng hầm thì phải tự trả tiền thay ổ khóa mới.",
            "Mùa thu đàn sếu bay qua làng rồi nghỉ lại trên những đồng cỏ ẩm ướt.",
        ],
    ),
    (
        "Russian",
        [
            "Пекарня на углу летом закрывается уже в пять часов вечера и не работает по воскресеньям.",
            "Резервная копия базы создаётся каждую ночь и занимает примерно сорок минут.",
            "Наш поезд в Казань опоздал на два часа из-за упавшего на пути дерева.",
            "Для этого пирога нужны три яйца, немного муки и очень много терпения.",
            "Тот, кто потеряет ключ от подвала, заменит замок за свой счёт.",
            "Осенью журавли летят над деревней и отдыхают на сырых лугах у реки.",
        ],
    ),
    (
        "Korean",
        [
            "길모퉁이 빵집은 여름 내내 오후 다섯 시에 문을 닫고 일요일에는 쉽니다.",
            "데이터베이스 백업은 매일 밤 실행되며 끝날 때까지 약 사십 분이 걸립니다.",
            "부산으로 가는 기차가 쓰러진 나무 때문에 두 시간이나 늦게 도착했습니다.",
            "이 케이크를 만들려면 달걀 세 개와 밀가루 조금 그리고 많은 인내심이 필요합니다.",
            "지하실 열쇠를 잃어버린 사람은 자기 돈으로 자물쇠를 새로 바꿔야 합니다.",
            "가을이면 두루미 떼가 마을 위를 지나 젖은 들판에서 며칠 동안 쉬어 갑니다.",
        ],
    ),
    (
        "Hebrew",
        [
            "המאפייה שבפינת הרחוב נסגרת בקיץ כבר בחמש אחר הצהריים ואינה פתוחה בשבת.",
            "הגיבוי של מסד הנתונים רץ בכל לילה ונמשך בערך ארבעים דקות.",
            "הרכבת לחיפה איחרה בשעתיים בגלל עץ גדול שנפל על המסילה.",
            "לעוגה הזאת צריך שלוש ביצים, מעט קמח והרבה מאוד סבלנות.",
            "מי שמאבד את המפתח של המרתף מחליף את המנעול על חשבונו.",
            "בסתיו העגורים עוברים מעל הכפר ונחים כמה ימים באחו הרטוב.",
        ],
    ),
    (
        "Arabic",
        [
            "يغلق المخبز الذي في زاوية الشارع أبوابه صيفا عند الخامسة بعد الظهر.",
            "تعمل النسخة الاحتياطية لقاعدة البيانات كل ليلة وتستغرق نحو أربعين دقيقة.",
            "تأخر القطار المتجه إلى طنجة ساعتين بسبب شجرة سقطت على السكة.",
            "تحتاج هذه الكعكة إلى ثلاث بيضات وقليل من الدقيق وكثير من الصبر.",
            "من يفقد مفتاح القبو يستبدل القفل على نفقته الخاصة قبل نهاية الشهر.",
            "في الخريف تعبر طيور الكركي فوق القرية وتستريح في المروج الرطبة أياما.",
        ],
    ),
    (
        "Hindi",
        [
            "गली के नुक्कड़ वाली बेकरी गर्मियों में शाम पाँच बजे ही बंद हो जाती है।",
            "डेटाबेस का बैकअप हर रात चलता है और लगभग चालीस मिनट लेता है।",
            "पटरी पर गिरे पेड़ के कारण हमारी जयपुर वाली ट्रेन दो घंटे देर से पहुँची।",
            "इस केक के लिए तीन अंडे, थोड़ा मैदा और बहुत सारा धैर्य चाहिए।",
            "जो तहखाने की चाबी खो देता है उसे ताला अपने पैसे से बदलना पड़ता है।",
            "पतझड़ में सारस गाँव के ऊपर से उड़ते हैं और गीले मैदानों में आराम करते हैं।",
        ],
    ),
];

const TOGETHER: [Notes; 3] = [
    (
        "Chinese",
        [
            "街角的面包店夏天下午五点就关门了而且星期天从来不开门营业。",
            "数据库的备份每天夜里自动运行一次大约需要四十分钟才能完成。",
            "开往西安的火车因为一棵大树倒在铁轨上而晚点了整整两个小时。",
            "做这个蛋糕需要三个鸡蛋少量面粉以及非常多的耐心和时间。",
            "谁把地下室的钥匙弄丢了就必须自己花钱更换一把新的门锁。",
            "秋天的时候白鹤从村子上空飞过然后在潮湿的草地上休息几天。",
        ],
    ),
    (
        "Japanese",
        [
            "角のパン屋は夏のあいだ午後五時に閉まり日曜日はずっと休みです。",
            "データベースのバックアップは毎晩自動で動いておよそ四十分かかります。",
            "倒れた木が線路をふさいだので金沢行きの列車は二時間も遅れました。",
            "このケーキを作るには卵が三個と少しの小麦粉とたくさんの忍耐が要ります。",
            "地下室の鍵をなくした人は自分のお金で錠前を取り替えなければなりません。",
            "秋になると鶴の群れが村の上を飛んで湿った草原で数日のあいだ休みます。",
        ],
    ),
    (
        "Thai",
        [
            "ร้านขนมปังที่หัวมุมถนนปิดตอนห้าโมงเย็นตลอดหน้าร้อนและหยุดทุกวันอาทิตย์",
            "การสำรองข้อมูลของฐานข้อมูลทำงานทุกคืนและใช้เวลาประมาณสี่สิบนาที",
            "รถไฟไปเชียงใหม่มาช้าสองชั่วโมงเพราะต้นไม้ใหญ่ล้มขวางรางรถไฟ",
            "เค้กชิ้นนี้ต้องใช้ไข่สามฟองแป้งนิดหน่อยและความอดทนอย่างมาก",
            "ใครทำกุญแจห้องใต้ดินหายต้องจ่ายเงินเปลี่ยนแม่กุญแจด้วยตัวเอง",
            "ในฤดูใบไม้ร่วงฝูงนกกระเรียนบินผ่านหมู่บ้านแล้วพักในทุ่งหญ้าที่เปียกชื้น",
        ],
    ),
];

/// Every six words of a sentence.
fn words(sentence: &str) -> Vec<String> {
    sentence.split_whitespace().collect::<Vec<_>>().windows(6).map(|words| words.join(" ")).collect()
}

/// Every eight characters of a sentence that begin and end with a whole one: a mark belongs to the one before.
fn characters(sentence: &str) -> Vec<String> {
    let is_mark = |mark: char| matches!(mark, '\u{e31}' | '\u{e34}'..='\u{e3a}' | '\u{e47}'..='\u{e4e}');
    let characters: Vec<char> = sentence.chars().filter(|character| *character != '。').collect();
    (0..characters.len().saturating_sub(8))
        .filter(|&start| !is_mark(characters[start]) && !is_mark(characters[start + 8]))
        .map(|start| characters[start..start + 8].iter().collect())
        .collect()
}

#[test]
fn a_copied_phrase_finds_its_note_in_twelve_languages() {
    let languages = APART
        .iter()
        .map(|notes| (notes, words as fn(&str) -> Vec<String>))
        .chain(TOGETHER.iter().map(|notes| (notes, characters as fn(&str) -> Vec<String>)));
    let all: Vec<(&str, &str)> =
        languages.clone().flat_map(|((_, notes), _)| notes.iter().map(|note| (*note, ""))).collect();
    let memory = memory_of(&all);
    let mut failed = Vec::new();
    for ((language, notes), cut) in languages {
        let phrases: Vec<(&str, String)> =
            notes.iter().flat_map(|note| cut(note).into_iter().map(move |phrase| (*note, phrase))).collect();
        assert!(phrases.len() >= 30, "{language}: {}", phrases.len());
        for mode in [Mode::Text, Mode::Hybrid] {
            let missed: Vec<&str> = phrases
                .iter()
                .filter(|(note, phrase)| {
                    titles(&memory, phrase, mode).first().map(String::as_str) != Some(note)
                })
                .map(|(_, phrase)| phrase.as_str())
                .collect();
            if !missed.is_empty() {
                failed.push(format!(
                    "{language}, {mode:?}: {} of {}: {missed:?}",
                    missed.len(),
                    phrases.len()
                ));
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn two_characters_find_a_note_in_a_script_without_spaces() {
    let all: Vec<(&str, &str)> =
        TOGETHER.iter().flat_map(|(_, notes)| notes.map(|note| (note, ""))).collect();
    let memory = memory_of(&all);
    for (query, start) in [
        ("面粉", "做这个蛋糕"),
        ("钥匙", "谁把地下室"),
        ("列車", "倒れた木が"),
        ("小麦粉", "このケーキを"),
        ("バックアップ", "データベースの"),
        ("ข้อมูล", "การสำรองข้อมูล"),
        ("กุญแจ", "ใครทำกุญแจ"),
    ] {
        let found = titles(&memory, query, Mode::Text);
        assert!(found.first().is_some_and(|title| title.starts_with(start)), "{query}: {found:?}");
    }
}

#[test]
fn scripts_in_one_sentence_are_all_searched() {
    let memory = memory_of(&[
        ("mixed", "部署失败 because the Сертификат expired, voir journal."),
        ("chinese", "部署成功"),
        ("russian", "Сертификация прошла"),
        ("english", "It expires because it must."),
    ]);
    for query in ["部署失败", "Сертификат", "expired сертификат", "失败 journal"] {
        let found = titles(&memory, query, Mode::Text);
        assert_eq!(found.first().map(String::as_str), Some("mixed"), "{query}: {found:?}");
    }
}
